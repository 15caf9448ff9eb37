"""Files of ConfigMaps, Secrets and of what a pod says of itself follow what they show, while containers run.

One pod mounts all kinds, whose objects are changed, deleted and made at once; the tests look at what its files become.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.conformance.pods import Pods, pod
from tests.conformance.storage.seeing import LOOK, Seen, seen
from tests.waiting import eventually

Object = dict[str, Any]

PATIENCE_S = 30
OBJECTS = {"configMap": "configmaps", "secret": "secrets"}


def content(name: str, **data: str) -> Object:
    """A ConfigMap or Secret: `stringData` is of a Secret, `data` in base64 is both's."""
    return {"metadata": {"name": name}, "data": data}


def encoded(kind: str, text: str) -> str:
    """A value as a ConfigMap or Secret holds it."""
    import base64

    return text if kind == "configMap" else base64.b64encode(text.encode()).decode()


def optional(kind: str, name: str, *, projected: bool) -> Object:
    """The source of a volume that may be empty."""
    key = "secretName" if kind == "secret" and not projected else "name"
    inner = {kind: {key: name, "optional": True}}
    return {"projected": {"sources": [inner]}} if projected else inner


def about_itself(*, projected: bool) -> Object:
    """The source of a volume with the pod's labels and annotations."""
    fields = ("labels", "annotations")
    inner = {"downwardAPI": {"items": [{"path": f, "fieldRef": {"fieldPath": f"metadata.{f}"}} for f in fields]}}
    return {"projected": {"sources": [inner]}} if projected else inner


class Story:
    """The pod, before and after everything changed."""

    def __init__(self, pods: Pods) -> None:
        self.pods = pods
        self.before = self.now()

    def now(self) -> Seen:
        """What the pod sees."""
        return seen(self.pods.exec("watcher", "sh", "-c", LOOK))

    def becomes(self, folder: str, **files: str) -> None:
        """Wait until a folder holds exactly these files."""
        eventually(lambda: {n: f.text for n, f in self.now().below(folder).items()} == files, PATIENCE_S)


@pytest.fixture(scope="module")
def story(shared_pods: Pods) -> Iterator[Story]:
    sources: dict[str, Object] = {}
    for kind, resource in OBJECTS.items():
        for what in ("changed", "deleted"):
            shared_pods.create(resource, content(what, data=encoded(kind, "value-1")))
        for way in ("plain", "projected"):
            for what in ("changed", "deleted", "made"):
                sources[f"{kind}-{way}-{what}"] = optional(kind, what, projected=way == "projected")
    for way in ("plain", "projected"):
        sources[f"downward-{way}"] = about_itself(projected=way == "projected")
    made = [{"name": name.lower(), **source} for name, source in sources.items()]
    mounts = [{"name": name.lower(), "mountPath": f"/v/{name}"} for name in sources]
    meta = {"labels": {"key1": "value1"}, "annotations": {"builder": "bar"}}
    shared_pods.start(pod("watcher", {"command": ["sleep", "600"], "volumeMounts": mounts}, meta=meta, volumes=made))
    shared_pods.ready("watcher")
    told = Story(shared_pods)
    for kind, resource in OBJECTS.items():
        shared_pods.patch(f"{resource}/changed", {"data": {"data": encoded(kind, "value-2"), "more": encoded(kind, "new")}})
        shared_pods.delete(f"{resource}/deleted")
        shared_pods.create(resource, content("made", data=encoded(kind, "value-3")))
    meta = {"labels": {"key3": "value3"}, "annotations": {"builder": "foo"}}
    shared_pods.patch("pods/watcher", {"metadata": meta})
    yield told


def test_changes_of_an_object_reach_its_files(story: Story) -> None:
    """[sig-storage] ConfigMap updates should be reflected in volume [NodeConformance] [Conformance]
    [sig-storage] Projected configMap updates should be reflected in volume [NodeConformance] [Conformance]
    """
    for kind in OBJECTS:
        for way in ("plain", "projected"):
            folder = f"/v/{kind}-{way}-changed"
            assert story.before.below(folder)["data"].text == "value-1"
            story.becomes(folder, data="value-2", more="new")


def test_files_of_optional_objects_come_and_go_with_them(story: Story) -> None:
    """[sig-storage] ConfigMap optional updates should be reflected in volume [NodeConformance] [Conformance]
    [sig-storage] Projected configMap optional updates should be reflected in volume [NodeConformance] [Conformance]
    [sig-storage] Projected secret optional updates should be reflected in volume [NodeConformance] [Conformance]
    [sig-storage] Secrets optional updates should be reflected in volume [NodeConformance] [Conformance]
    """
    for kind in OBJECTS:
        for way in ("plain", "projected"):
            assert story.before.below(f"/v/{kind}-{way}-deleted")["data"].text == "value-1"
            assert story.before.below(f"/v/{kind}-{way}-made") == {}
            story.becomes(f"/v/{kind}-{way}-deleted")
            story.becomes(f"/v/{kind}-{way}-made", data="value-3")
            story.becomes(f"/v/{kind}-{way}-changed", data="value-2", more="new")


def test_labels_of_the_pod_reach_its_files(story: Story) -> None:
    """[sig-storage] Downward API volume should update labels on modification [NodeConformance] [Conformance]
    [sig-storage] Projected downwardAPI should update labels on modification [NodeConformance] [Conformance]
    """
    paths = [f"/v/downward-{way}/labels" for way in ("plain", "projected")]
    assert [story.before.files[path].text for path in paths] == ['key1="value1"'] * 2
    eventually(lambda: [story.now().files[p].text for p in paths] == ['key1="value1"\nkey3="value3"'] * 2, PATIENCE_S)


def test_annotations_of_the_pod_reach_its_files(story: Story) -> None:
    """[sig-storage] Downward API volume should update annotations on modification [NodeConformance] [Conformance]
    [sig-storage] Projected downwardAPI should update annotations on modification [NodeConformance] [Conformance]
    """
    paths = [f"/v/downward-{way}/annotations" for way in ("plain", "projected")]
    assert ['builder="bar"' in story.before.files[path].text for path in paths] == [True] * 2
    eventually(lambda: all('builder="foo"' in story.now().files[path].text for path in paths), PATIENCE_S)
