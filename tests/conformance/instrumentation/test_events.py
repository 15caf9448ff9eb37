"""Events, in both of their groups."""

from typing import Any

import pytest
from tests.conformance.operations import everywhere, replace
from tests.conformance.rest import STRATEGIC, Api


def _core(name: str, namespace: str, **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": labels},
        "involvedObject": {"kind": "Pod", "name": "p", "namespace": namespace},
        "reason": "Test",
        "message": "This is a test event",
        "type": "Normal",
        "count": 1,
        "source": {"component": "test"},
    }


def _new(name: str, namespace: str, **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": labels},
        "regarding": {"kind": "Pod", "name": "p", "namespace": namespace},
        "reason": "Test",
        "note": "This is a test event",
        "action": "Do",
        "type": "Normal",
        "eventTime": "2026-11-27T12:00:00.000001Z",
        "reportingController": "test-controller",
        "reportingInstance": "test-node",
    }


def test_the_life_of_a_core_event(api: Api) -> None:
    """[sig-instrumentation] Events should manage the lifecycle of an event [Conformance]"""
    api.create("events", _core("e", api.namespace, testevent="constant"))
    assert api.names(
        everywhere(api, "events"), labelSelector="testevent=constant", fieldSelector=f"metadata.namespace={api.namespace}"
    ) == ["e"]
    patched = api.patch("events/e", {"message": "This is a test event - patched"}, STRATEGIC)
    assert patched["message"].endswith("patched") and api.get("events/e")["message"] == patched["message"]
    found = api.get("events/e")
    found["series"] = {"count": 100, "lastObservedTime": "2026-11-27T12:00:00.000001Z"}
    assert replace(api, "events/e", found)["series"]["count"] == 100
    api.delete("events/e")
    assert api.names("events", labelSelector="testevent=constant") == []


def test_the_life_of_an_event(api: Api) -> None:
    """[sig-instrumentation] Events API should ensure that an event can be fetched, patched, deleted, and listed [Conformance]"""
    path = "events.events.k8s.io"
    api.create(path, _new("e", api.namespace, testevent="constant"))
    assert api.names(path, fieldSelector="reportingController=test-controller") == ["e"]
    assert api.names(
        everywhere(api, path), fieldSelector=f"reportingController=test-controller,metadata.namespace={api.namespace}"
    ) == ["e"]
    patch = {"series": {"count": 2, "lastObservedTime": "2026-11-27T12:00:01.000001Z"}}
    assert api.patch(f"{path}/e", patch, STRATEGIC)["series"]["count"] == 2
    found = api.get(f"{path}/e")
    found["series"]["count"] = 100
    assert replace(api, f"{path}/e", found)["series"]["count"] == 100
    assert api.get("events/e")["involvedObject"]["name"] == "p" and api.get("events/e")["message"] == "This is a test event"
    api.delete(f"{path}/e")
    assert api.find(f"{path}/e") is None


@pytest.mark.parametrize(("path", "make"), [("events", _core), ("events.events.k8s.io", _new)])
def test_collections(api: Api, path: str, make: Any) -> None:
    """[sig-instrumentation] Events should delete a collection of events [Conformance]
    [sig-instrumentation] Events API should delete a collection of events [Conformance]
    """
    for name in "abc":
        api.create(path, make(name, api.namespace, testevent="set"))
    assert api.names(path, labelSelector="testevent=set") == ["a", "b", "c"]
    api.delete(path, labelSelector="testevent=set")
    assert api.names(path, labelSelector="testevent=set") == []
