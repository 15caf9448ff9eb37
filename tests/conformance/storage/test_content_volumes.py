"""ConfigMaps and Secrets as files, alone and projected: which files, with which content, for whom.

Three pods mount them in all ways at once, one as root, one as another user, one whose volumes belong to a group; each says what
it sees, and the tests look at that.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from tests.conformance.pods import Pods, namespace_of, pod
from tests.conformance.storage.seeing import LOOK, Seen, seen

Object = dict[str, Any]

CONTENT = {"data-1": "value-1", "data-2": "value-2", "data-3": "value-3"}
ITEM = {"key": "data-2", "path": "path/to/data-2"}
KINDS = ("configMap", "secret", "projected-configMap", "projected-secret")
BINARY = bytes([0xDE, 0xCA, 0xFE, 0xBA, 0xD0, 0xFE, 0xFF])


class Reports(NamedTuple):
    """What each of the three pods sees."""

    root: Seen
    user: Seen
    group: Seen


def source(kind: str, mode: int | None = None, **more: Any) -> Object:
    """A volume's source of the kind, of what is called `content`."""
    name = "name" if kind != "secret" else "secretName"
    chosen = {"defaultMode": mode} if mode is not None else {}
    if "-" not in kind:
        return {kind: {name: "content", **chosen, **more}}
    return {"projected": {"sources": [{kind.removeprefix("projected-"): {"name": "content", **more}}], **chosen}}


def volumes(kinds: dict[str, Object]) -> tuple[list[Object], list[Object]]:
    """The pod's volumes and the container's mounts, below /v."""
    made = [{"name": name.lower(), **kind} for name, kind in kinds.items()]
    return made, [{"name": name.lower(), "mountPath": f"/v/{name}"} for name in kinds]


def mounting(name: str, kinds: dict[str, Object], **security: Any) -> Object:
    """A pod that says what it sees of such volumes."""
    made, mounts = volumes(kinds)
    container = {"command": ["sh", "-c", LOOK], "volumeMounts": mounts}
    return pod(name, container, volumes=made, securityContext=security)


@pytest.fixture(scope="module")
def reports(shared_pods: Pods) -> Iterator[Reports]:
    data = {"metadata": {"name": "content"}, "data": CONTENT}
    shared_pods.create("configmaps", data)
    shared_pods.create("secrets", {"metadata": {"name": "content"}, "stringData": CONTENT})
    root: dict[str, Object] = {}
    for kind in KINDS:
        root[f"{kind}-plain"] = root[f"{kind}-again"] = source(kind)
        root[f"{kind}-private"] = source(kind, 0o400)
        root[f"{kind}-mapped"] = source(kind, items=[ITEM])
        root[f"{kind}-item"] = source(kind, items=[{**ITEM, "mode": 0o400}])
    user = {f"{kind}-plain": source(kind) for kind in KINDS} | {f"{k}-mapped": source(k, items=[ITEM]) for k in KINDS}
    with namespace_of(shared_pods.cluster) as elsewhere:
        elsewhere.create("secrets", {"metadata": {"name": "content"}, "stringData": {"data-1": "another namespace's"}})
        shared_pods.start(
            mounting("root", root),
            mounting("user", user, runAsUser=1000),
            mounting("group", {kind: source(kind, 0o440) for kind in KINDS}, runAsUser=1000, fsGroup=1001),
        )
        yield Reports(*(seen(shared_pods.output(name)) for name in Reports._fields))


def test_each_key_is_a_file_that_all_can_read(reports: Reports) -> None:
    """[sig-storage] ConfigMap should be consumable from pods in volume [NodeConformance] [Conformance]
    [sig-storage] Projected configMap should be consumable from pods in volume [NodeConformance] [Conformance]
    [sig-storage] Projected secret should be consumable from pods in volume [NodeConformance] [Conformance]
    [sig-storage] Secrets should be consumable from pods in volume [NodeConformance] [Conformance]
    """
    for kind in KINDS:
        assert reports.root.below(f"/v/{kind}-plain") == {name: ("644", text) for name, text in CONTENT.items()}


def test_a_user_other_than_root_reads_them_too(reports: Reports) -> None:
    """[sig-storage] ConfigMap should be consumable from pods in volume as non-root [NodeConformance] [Conformance]
    [sig-storage] ConfigMap should be consumable from pods in volume with mappings as non-root [NodeConformance] [Conformance]
    [sig-storage] Projected configMap should be consumable from pods in volume as non-root [NodeConformance] [Conformance]
    [sig-storage] Projected configMap should be consumable from pods in volume with mappings as non-root [NodeConformance] [Conformance]
    """
    for kind in KINDS:
        assert reports.user.below(f"/v/{kind}-plain") == {name: ("644", text) for name, text in CONTENT.items()}
        assert reports.user.below(f"/v/{kind}-mapped") == {"path/to/data-2": ("644", "value-2")}


def test_the_mode_of_all_files_can_be_chosen(reports: Reports) -> None:
    """[sig-storage] ConfigMap should be consumable from pods in volume with defaultMode set [LinuxOnly] [NodeConformance] [Conformance]
    [sig-storage] Projected configMap should be consumable from pods in volume with defaultMode set [LinuxOnly] [NodeConformance] [Conformance]
    [sig-storage] Projected secret should be consumable from pods in volume with defaultMode set [LinuxOnly] [NodeConformance] [Conformance]
    [sig-storage] Secrets should be consumable from pods in volume with defaultMode set [LinuxOnly] [NodeConformance] [Conformance]
    """
    for kind in KINDS:
        assert reports.root.below(f"/v/{kind}-private")["data-1"] == ("400", "value-1")


def test_only_the_items_asked_for_are_there_at_the_paths_asked_for(reports: Reports) -> None:
    """[sig-storage] ConfigMap should be consumable from pods in volume with mappings [NodeConformance] [Conformance]
    [sig-storage] ConfigMap should be consumable from pods in volume with mappings and Item mode set [LinuxOnly] [NodeConformance] [Conformance]
    [sig-storage] Projected configMap should be consumable from pods in volume with mappings [NodeConformance] [Conformance]
    [sig-storage] Projected configMap should be consumable from pods in volume with mappings and Item mode set [LinuxOnly] [NodeConformance] [Conformance]
    [sig-storage] Projected secret should be consumable from pods in volume with mappings [NodeConformance] [Conformance]
    [sig-storage] Projected secret should be consumable from pods in volume with mappings and Item Mode set [LinuxOnly] [NodeConformance] [Conformance]
    [sig-storage] Secrets should be consumable from pods in volume with mappings [NodeConformance] [Conformance]
    [sig-storage] Secrets should be consumable from pods in volume with mappings and Item Mode set [LinuxOnly] [NodeConformance] [Conformance]
    """
    for kind in KINDS:
        assert reports.root.below(f"/v/{kind}-mapped") == {"path/to/data-2": ("644", "value-2")}
        assert reports.root.below(f"/v/{kind}-item") == {"path/to/data-2": ("400", "value-2")}


def test_one_object_can_be_mounted_more_than_once(reports: Reports) -> None:
    """[sig-storage] ConfigMap should be consumable in multiple volumes in the same pod [NodeConformance] [Conformance]
    [sig-storage] Projected configMap should be consumable in multiple volumes in the same pod [NodeConformance] [Conformance]
    [sig-storage] Projected secret should be consumable in multiple volumes in a pod [NodeConformance] [Conformance]
    [sig-storage] Secrets should be consumable in multiple volumes in a pod [NodeConformance] [Conformance]
    """
    for kind in KINDS:
        assert reports.root.below(f"/v/{kind}-again") == reports.root.below(f"/v/{kind}-plain")


def test_the_group_of_the_pod_may_read_what_its_mode_gives_to_groups(reports: Reports) -> None:
    """[sig-storage] Projected secret should be consumable from pods in volume as non-root with defaultMode and fsGroup set [LinuxOnly] [NodeConformance] [Conformance]
    [sig-storage] Secrets should be consumable from pods in volume as non-root with defaultMode and fsGroup set [LinuxOnly] [NodeConformance] [Conformance]
    """
    for kind in KINDS:
        assert reports.group.below(f"/v/{kind}")["data-1"] == ("440", "value-1")


def test_the_namespace_of_the_pod_decides_which_secret_is_meant(reports: Reports) -> None:
    """[sig-storage] Secrets should be able to mount in a volume regardless of a different secret existing with same name in different namespace [NodeConformance] [Conformance]"""
    assert reports.root.below("/v/secret-plain")["data-1"] == ("644", "value-1")


def test_binary_data(pods: Pods) -> None:
    """[sig-storage] ConfigMap binary data should be reflected in volume [NodeConformance] [Conformance]"""
    import base64

    data = {"binaryData": {"dump.bin": base64.b64encode(BINARY).decode()}, "data": {"data-1": "value-1"}}
    pods.create("configmaps", {"metadata": {"name": "content"}, **data})
    made, mounts = volumes({"both": source("configMap")})
    pods.start(
        pod(
            "p",
            {"command": ["sh", "-c", "cat /v/both/data-1; hexdump -C /v/both/dump.bin"], "volumeMounts": mounts},
            volumes=made,
        )
    )
    assert pods.output("p").startswith("value-100000000  de ca fe ba d0 fe ff")


def test_all_kinds_together_in_one_volume(pods: Pods) -> None:
    """[sig-storage] Projected combined should project all components that make up the projection API [Projection] [NodeConformance] [Conformance]"""
    pods.create("configmaps", {"metadata": {"name": "c"}, "data": {"configmap-data": "configmap-value-1"}})
    pods.create("secrets", {"metadata": {"name": "s"}, "stringData": {"secret-data": "secret-value-1"}})
    sources = [
        {"secret": {"name": "s", "items": [{"key": "secret-data", "path": "secret/data"}]}},
        {"configMap": {"name": "c"}},
        {"downwardAPI": {"items": [{"path": "podname", "fieldRef": {"fieldPath": "metadata.name"}}]}},
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 600}},
    ]
    pods.start(mounting("p", {"all": {"projected": {"sources": sources}}}))
    found = seen(pods.output("p")).below("/v/all")
    token = found.pop("token")
    assert token.text.count(".") == 2
    assert {name: file.text for name, file in found.items()} == {
        "secret/data": "secret-value-1",
        "configmap-data": "configmap-value-1",
        "podname": "p",
    }


def test_a_volume_of_what_is_not_there_waits_unless_it_is_optional(pods: Pods) -> None:
    for kind in ("configMap", "secret"):
        made, mounts = volumes({kind: source(kind)})
        container = {"command": ["sh", "-c", "cat /v/*/data-1"], "volumeMounts": mounts}
        pods.start(pod(f"{kind.lower()}-needed", container, volumes=made))
        optional = [{**made[0], kind: {**made[0][kind], "optional": True}}]
        pods.start(pod(f"{kind.lower()}-optional", {**container, "command": ["sh", "-c", "ls /v/*"]}, volumes=optional))
    for kind in ("configmap", "secret"):
        assert pods.output(f"{kind}-optional") == ""
        pods.until_pod(
            f"{kind}-needed", lambda _, kind=kind: f'{kind} "content" not found' in _messages(pods, f"{kind}-needed")
        )
    pods.create("configmaps", {"metadata": {"name": "content"}, "data": CONTENT})
    pods.create("secrets", {"metadata": {"name": "content"}, "stringData": CONTENT})
    assert [pods.output(f"{kind}-needed") for kind in ("configmap", "secret")] == ["value-1", "value-1"]


def _messages(pods: Pods, name: str) -> str:
    return "\n".join(event["message"] for event in pods.events(name))
