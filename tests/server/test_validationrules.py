"""Validation rules of custom resources on every road that an object can be written by."""

import asyncio
import json
import threading

import orjson
import pytest
from tests.server.conftest import until

from corral.api.validationrules import Validations
from corral.server.request import LOOPBACK, Request
from corral.server.verbs.patch import APPLY_PATCH, MERGE_PATCH

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
PATH = "/apis/example.com/v1/namespaces/default/tools"
SPEC = {
    "type": "object",
    "properties": {
        "n": {"type": "integer", "default": 3},
        "mode": {"type": "string"},
        "code": {"type": "string", "pattern": "^[a-z]+$"},
    },
    "x-kubernetes-validations": [
        {"rule": "self.n != 7", "message": "no sevens"},
        {"rule": "!has(oldSelf.mode) || self.mode == oldSelf.mode", "message": "mode is fixed"},
    ],
}
STATUS = {
    "type": "object",
    "properties": {"ready": {"type": "integer"}},
    "x-kubernetes-validations": [{"rule": "self.ready >= 0", "message": "not below zero"}],
}


def definition(spec=SPEC):
    schema = {"type": "object", "properties": {"spec": spec, "status": STATUS}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    version["subresources"] = {"status": {}}
    names = {"plural": "tools", "kind": "Tool"}
    head = {"kind": "CustomResourceDefinition", "apiVersion": "apiextensions.k8s.io/v1"}
    spec = {"group": "example.com", "scope": "Namespaced", "names": names, "versions": [version]}
    return {**head, "metadata": {"name": "tools.example.com"}, "spec": spec}


def tool(**spec):
    return {"kind": "Tool", "apiVersion": "example.com/v1", "metadata": {"name": "t"}, "spec": spec}


async def call(server, method, path, body=None, *, media="application/json", **query):
    headers = {"Content-Type": media, "User-Agent": "test"}
    raw = b"" if body is None else json.dumps(body).encode()
    answer = await server.api.handle(Request(method, path, query, headers, raw, LOOPBACK))
    return answer.status, orjson.loads(answer.body), answer.warnings


def test_rules_hold_for_every_write(story):
    async def tell(server):
        await call(server, "POST", DEFINITIONS, definition())
        status, found, _ = await call(server, "POST", PATH, tool(n=7))
        assert (status, found["message"]) == (422, 'Tool.example.com "t" is invalid: spec: Invalid value: no sevens')
        assert found["details"]["causes"] == [
            {"reason": "FieldValueInvalid", "message": "Invalid value: no sevens", "field": "spec"}
        ]
        # A default is there before the rules look.
        assert (await call(server, "POST", PATH, tool(mode="a")))[0] == 201
        fixed = 'Tool.example.com "t" is invalid: spec: Invalid value: mode is fixed'
        for media, change in ((MERGE_PATCH, {"spec": {"mode": "b"}}), (APPLY_PATCH, tool(mode="b"))):
            query = {"fieldManager": "me", "force": "true"} if media == APPLY_PATCH else {}
            status, found, _ = await call(server, "PATCH", f"{PATH}/t", change, media=media, **query)
            assert (status, found["message"]) == (422, fixed)
        _, present, _ = await call(server, "GET", f"{PATH}/t")
        present["spec"]["mode"] = "b"
        assert (await call(server, "PUT", f"{PATH}/t", present))[1]["message"] == fixed
        status, found, _ = await call(server, "PATCH", f"{PATH}/t/status", {"status": {"ready": -1}}, media=MERGE_PATCH)
        assert (status, found["details"]["causes"][0]["field"]) == (422, "status")

    story(tell)


def test_what_was_wrong_before_the_rule_is_warned_of(story):
    async def tell(server):
        free = {**SPEC, "x-kubernetes-validations": []}
        await call(server, "POST", DEFINITIONS, definition(free))
        assert (await call(server, "POST", PATH, tool(n=7)))[0] == 201
        await call(server, "PATCH", f"{DEFINITIONS}/tools.example.com", {"spec": definition()["spec"]}, media=MERGE_PATCH)
        change = {"metadata": {"labels": {"a": "b"}}}
        status, _, warnings = await call(server, "PATCH", f"{PATH}/t", change, media=MERGE_PATCH)
        assert (status, warnings) == (200, ["spec: Invalid value: no sevens"])
        status, found, _ = await call(server, "PATCH", f"{PATH}/t", {"spec": {"mode": "x"}}, media=MERGE_PATCH)
        assert (status, found["details"]["causes"][0]["message"]) == (422, "Invalid value: no sevens")

    story(tell)


def test_rules_wait_for_a_sound_object(story):
    async def tell(server):
        await call(server, "POST", DEFINITIONS, definition())
        _, found, _ = await call(server, "POST", PATH, tool(n="many"))
        assert [cause["field"] for cause in found["details"]["causes"]] == ["spec.n", "<nil>"]

    story(tell)


def test_a_rule_that_does_not_compile_is_refused(story):
    async def tell(server):
        wrong = {**SPEC, "x-kubernetes-validations": [{"rule": "self.m < 3"}, {"rule": "self.n"}]}
        status, found, _ = await call(server, "POST", DEFINITIONS, definition(wrong))
        at = "spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations"
        assert status == 422
        assert [cause["field"] for cause in found["details"]["causes"]] == [f"{at}[0].rule", f"{at}[1].rule"]
        first, second = (cause["message"] for cause in found["details"]["causes"])
        assert first.endswith("compilation failed: ERROR: <input>:1:5: undefined field 'm'\n | self.m < 3\n | ....^")
        assert second.endswith("cel expression must evaluate to a bool")

    story(tell)


def test_patterns_are_linear(story):
    async def tell(server):
        slow = {"type": "object", "properties": {"code": {"type": "string", "pattern": "^(a+)+$"}}}
        await call(server, "POST", DEFINITIONS, definition(slow))
        status, found, _ = await call(server, "POST", PATH, tool(code="a" * 50_000 + "!"))
        assert (status, found["details"]["causes"][0]["field"]) == (422, "spec.code")
        bad = {"type": "object", "properties": {"code": {"type": "string", "pattern": "(?=a)"}}}
        _, found, _ = await call(server, "PUT", f"{DEFINITIONS}/tools.example.com", definition(bad))
        assert "must be a valid regular expression, but isn't: error parsing regexp: " in found["message"]

    story(tell)


SUMS = {
    "type": "object",
    "properties": {"l": {"type": "array", "maxItems": 100, "items": {"type": "integer"}}},
    "x-kubernetes-validations": [{"rule": "self.l.all(a, self.l.all(b, a + b >= 0))", "message": "no such sums"}],
}


@pytest.fixture
def checks(monkeypatch):
    """In which threads rules were held against objects. Those of another thread than the server's wait until they are let go on."""
    threads, go_on = [], threading.Event()
    check = Validations.check

    def watched(self, *args):
        threads.append(threading.get_ident())
        if threads[-1] != threading.main_thread().ident:
            assert go_on.wait(10)
        return check(self, *args)

    monkeypatch.setattr(Validations, "check", watched)
    return threads, go_on


def test_others_are_answered_while_the_rules_of_one_object_take_long(story, checks):
    threads, go_on = checks
    here = threading.main_thread().ident

    async def tell(server):
        await call(server, "POST", DEFINITIONS, definition(SUMS))
        writing = asyncio.create_task(call(server, "POST", PATH, tool(l=list(range(100)))))
        await until(lambda: len(threads) == 2)
        assert threads[0] == here != threads[1]
        # The rules are being evaluated and will be until we say so.
        other = {**tool(l=[1, 2]), "metadata": {"name": "short"}}
        assert (await call(server, "POST", PATH, other))[0] == 201
        assert (await call(server, "GET", f"{PATH}/short"))[1]["spec"] == {"l": [1, 2]}
        assert threads[2:] == [here]
        assert (await call(server, "GET", f"{PATH}/t"))[0] == 404
        assert not writing.done()
        go_on.set()
        assert (await writing)[0] == 201

    story(tell)


def test_rules_find_the_same_however_long_they_take(story, checks):
    threads, go_on = checks
    go_on.set()

    async def tell(server):
        await call(server, "POST", DEFINITIONS, definition(SUMS))
        for count, different_threads in ((2, 1), (99, 2)):
            threads.clear()
            status, found, _ = await call(server, "POST", PATH, tool(l=[1] * count + [-1]))
            assert (status, found["details"]["causes"][0]["message"]) == (422, "Invalid value: no such sums")
            assert len(set(threads)) == different_threads
        await call(server, "POST", PATH, tool(l=[1]))
        threads.clear()
        assert (await call(server, "PATCH", f"{PATH}/t", {"metadata": {"labels": {"a": "b"}}}, media=MERGE_PATCH))[0] == 200
        assert len(threads) == 1

    story(tell)
