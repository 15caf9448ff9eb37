"""The controllers of volumes and the scheduler together, on a server, with nodes whose disks are folders in memory."""

import asyncio
from contextlib import asynccontextmanager

from corral.controllers import manager
from corral.controllers.volume_provisioner import PROVISIONER
from corral.testing.control import running_control
from corral.testing.server import running_server

STANDARD = {
    "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": PROVISIONER,
    "volumeBindingMode": "WaitForFirstConsumer",
    "reclaimPolicy": "Delete",
    "allowVolumeExpansion": True,
}


class Disks:
    """Folders by node and name. `full` nodes make and remove none; `before` is called first."""

    def __init__(self):
        self.folders, self.full = set(), set()

    async def before(self, what):
        pass

    async def folder(self, what, node, volume):
        await self.before(what)
        if node in self.full:
            raise OSError(f'node "{node}": no space left')
        (self.folders.add if what == "make" else self.folders.discard)((node, volume))
        return f"/disks/{volume}"


@asynccontextmanager
async def storage(tmp_path, nodes=("n1", "n2"), classes=(STANDARD,)):
    async with running_server(tmp_path) as server:
        disks = Disks()
        config = manager.Config(root_ca="-----BEGIN CERTIFICATE-----\n", folder=disks.folder)
        async with running_control(server, config=config) as control:
            control.disks = disks
            for name in nodes:
                await control.nodes.add(name)
            for one in classes:
                await control.client.create("storageclasses.storage.k8s.io", one)
            yield control


def claim(name="data", size="1Gi", **spec):
    filled = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, **spec}
    return {"metadata": {"name": name, "namespace": "default"}, "spec": filled}


def pod(name, *claims, **spec):
    volumes = [{"name": c, "persistentVolumeClaim": {"claimName": c}} for c in claims]
    filled = {"containers": [{"name": "c", "image": "i"}], "volumes": volumes, **spec}
    return {"metadata": {"name": name, "namespace": "default"}, "spec": filled}


def volume(name, size="1Gi", node="", **spec):
    filled = {"capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}, **spec}
    if node:
        here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
        filled["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}}
    return {"metadata": {"name": name}, "spec": filled}


def found(control, resource, name):
    return next((o for o in control.objects(resource) if o["metadata"]["name"] == name), None)


def phase(control, resource, name):
    obj = found(control, resource, name)
    return obj and obj["status"].get("phase")


def place(control, name):
    obj = found(control, "pods", name)
    return obj and obj["spec"].get("nodeName")


def condition(control, name):
    conditions = (found(control, "pods", name) or {"status": {}})["status"].get("conditions") or [{}]
    return conditions[0].get("message", "")


async def said(control, message):
    """Whether an event says so, sooner or later."""
    for _ in range(1000):
        events = (await control.client.list("events", "default")).items
        if message in [item.object["message"] for item in events]:
            return True
        await asyncio.sleep(0.01)
    return False


def test_a_claim_gets_a_folder_where_its_first_pod_goes_and_loses_it_when_deleted(tmp_path):
    async def story():
        async with storage(tmp_path) as control:
            client = control.client
            await client.create("persistentvolumeclaims", claim())
            await client.create("pods", pod("first", "data", nodeSelector={"kubernetes.io/hostname": "n2"}))
            await control.until(lambda: phase(control, "pods", "first") == "Running")
            (made,) = control.objects("persistentvolumes")
            assert control.disks.folders == {("n2", made["metadata"]["name"])}
            assert found(control, "persistentvolumeclaims", "data")["spec"]["volumeName"] == made["metadata"]["name"]
            await client.create("pods", pod("second", "data"))
            await control.until(lambda: place(control, "second") == "n2")
            for name in ("first", "second"):
                await client.delete("pods", name, "default", grace_period_s=0)
            await client.delete("persistentvolumeclaims", "data", "default")
            await control.until(lambda: not control.objects("persistentvolumes") and not control.disks.folders)

    asyncio.run(story())


def test_a_larger_claim_makes_its_volume_larger(tmp_path):
    async def story():
        async with storage(tmp_path) as control:
            await control.client.create("persistentvolumeclaims", claim())
            await control.client.create("pods", pod("p", "data"))
            await control.until(lambda: phase(control, "persistentvolumeclaims", "data") == "Bound")
            grown = {"spec": {"resources": {"requests": {"storage": "3Gi"}}}}
            await control.client.patch("persistentvolumeclaims", "data", grown, "default")
            held = {"storage": "3Gi"}
            await control.until(lambda: found(control, "persistentvolumeclaims", "data")["status"]["capacity"] == held)
            assert control.objects("persistentvolumes")[0]["spec"]["capacity"] == held

    asyncio.run(story())


def test_a_folder_that_cannot_be_made_keeps_the_pod_waiting_until_it_can(tmp_path):
    async def story():
        async with storage(tmp_path, nodes=["n1"]) as control:
            control.disks.full.add("n1")
            await control.client.create("persistentvolumeclaims", claim())
            await control.client.create("pods", pod("p", "data"))

            why = 'failed to provision volume with StorageClass "standard": node "n1": no space left'
            assert await said(control, why)
            control.disks.full.clear()
            await control.until(lambda: phase(control, "pods", "p") == "Running")

    asyncio.run(story())


def test_each_claim_gets_a_volume_of_its_own_the_smallest_first(tmp_path):
    async def story():
        async with storage(tmp_path, classes=()) as control:
            for name, size in (("large", "9Gi"), ("small", "1Gi"), ("middle", "2Gi")):
                await control.client.create("persistentvolumes", volume(name, size))
            for name in ("a", "b"):
                await control.client.create("persistentvolumeclaims", claim(name))
            await control.until(lambda: {phase(control, "persistentvolumeclaims", n) for n in "ab"} == {"Bound"})
            taken = {c["spec"]["volumeName"] for c in control.objects("persistentvolumeclaims")}
            assert taken == {"small", "middle"}
            assert phase(control, "persistentvolumes", "large") == "Available"
            await control.client.delete("persistentvolumeclaims", "a", "default")
            await control.until(lambda: "Released" in {phase(control, "persistentvolumes", n) for n in ("small", "middle")})

    asyncio.run(story())


def test_claims_that_wait_get_the_volumes_that_come(tmp_path):
    async def story():
        async with storage(tmp_path, classes=()) as control:
            names = [f"c{i}" for i in range(8)]
            for name in names:
                await control.client.create("persistentvolumeclaims", claim(name, storageClassName=""))
            await asyncio.gather(*(control.client.create("persistentvolumes", volume(f"v{i}")) for i in range(8)))
            await control.until(lambda: all(phase(control, "persistentvolumeclaims", n) == "Bound" for n in names))
            assert len({c["spec"]["volumeName"] for c in control.objects("persistentvolumeclaims")}) == 8

    asyncio.run(story())


def test_a_volume_that_fits_nobody_wakes_nobody(tmp_path):
    async def story():
        async with storage(tmp_path, classes=()) as control:
            await control.client.create("persistentvolumeclaims", claim(storageClassName=""))
            why = "no persistent volumes available for this claim and no storage class is set"
            assert await said(control, why)
            for i in range(3):
                await control.client.create("persistentvolumes", volume(f"small-{i}", "1Mi"))
            await control.until(lambda: {phase(control, "persistentvolumes", f"small-{i}") for i in range(3)} == {"Available"})
            await control.client.create("persistentvolumes", volume("fits"))
            await control.until(lambda: phase(control, "persistentvolumeclaims", "data") == "Bound")
            events = [item.object for item in (await control.client.list("events", "default")).items]
            assert [e.get("count") for e in events if e["message"] == why] == [1]

    asyncio.run(story())


def test_volumes_that_wait_are_chosen_with_the_node_and_never_twice(tmp_path):
    by_hand = {**STANDARD, "metadata": {"name": "disks"}, "provisioner": "kubernetes.io/no-provisioner"}

    async def story():
        async with storage(tmp_path, nodes=["n1", "n2", "n3"], classes=[by_hand]) as control:
            for node in ("n1", "n2"):
                await control.client.create("persistentvolumes", volume(f"of-{node}", node=node, storageClassName="disks"))
            await control.until(lambda: {phase(control, "persistentvolumes", f"of-n{i}") for i in (1, 2)} == {"Available"})
            for name in ("a", "b", "c"):
                await control.client.create("persistentvolumeclaims", claim(name, storageClassName="disks"))
                await control.client.create("pods", pod(name, name))
            await control.until(lambda: len(control.ready_pods("default")) == 2)
            placed = {p["spec"]["nodeName"]: p["metadata"]["name"] for p in control.ready_pods("default")}
            for node, name in placed.items():
                assert found(control, "persistentvolumeclaims", name)["spec"]["volumeName"] == f"of-{node}"
            (left,) = {"a", "b", "c"} - set(placed.values())
            text = "0/3 nodes are available: 3 node(s) didn't find available persistent volumes to bind."
            await control.until(lambda: condition(control, left).startswith(text))
            await control.client.create("persistentvolumes", volume("of-n3", node="n3", storageClassName="disks"))
            await control.until(lambda: place(control, left) == "n3")

    asyncio.run(story())


def test_a_pod_waits_for_its_claims_and_says_so_once(tmp_path):
    async def story():
        async with storage(tmp_path) as control:
            await control.client.create("pods", pod("p", "data"))
            text = '0/2 nodes are available: persistentvolumeclaim "data" not found.'
            await control.until(lambda: condition(control, "p").startswith(text))
            await control.client.create("persistentvolumeclaims", claim(storageClassName=""))
            text = "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims."
            await control.until(lambda: condition(control, "p").startswith(text))
            await control.client.create("persistentvolumes", volume("v", node="n2"))
            await control.until(lambda: place(control, "p") == "n2")

    asyncio.run(story())


def test_a_claim_for_one_pod_is_mounted_by_one_pod(tmp_path):
    async def story():
        async with storage(tmp_path) as control:
            await control.client.create("persistentvolumeclaims", claim(accessModes=["ReadWriteOncePod"]))
            await control.client.create("pods", pod("first", "data"))
            await control.until(lambda: phase(control, "pods", "first") == "Running")
            await control.client.create("pods", pod("second", "data"))
            await control.until(lambda: "ReadWriteOncePod access mode" in condition(control, "second"))
            await control.client.delete("pods", "first", "default", grace_period_s=0)
            await control.until(lambda: phase(control, "pods", "second") == "Running")

    asyncio.run(story())


def test_an_ephemeral_volume_is_the_pods_own_and_goes_with_it(tmp_path):
    async def story():
        async with storage(tmp_path) as control:
            template = {"metadata": {"labels": {"a": "b"}}, "spec": claim()["spec"]}
            volumes = [{"name": "scratch", "ephemeral": {"volumeClaimTemplate": template}}]
            await control.client.create("pods", pod("p", volumes=volumes))
            await control.until(lambda: phase(control, "pods", "p") == "Running")
            made = found(control, "persistentvolumeclaims", "p-scratch")
            assert made["metadata"]["labels"] == {"a": "b"} and made["metadata"]["ownerReferences"][0]["name"] == "p"
            await control.client.delete("pods", "p", "default", grace_period_s=0)
            await control.until(lambda: not control.objects("persistentvolumeclaims"))
            await control.until(lambda: not control.disks.folders)
            await control.client.create("persistentvolumeclaims", claim("q-scratch"))
            await control.client.create("pods", pod("q", volumes=volumes))
            await control.until(lambda: "was not created for" in condition(control, "q"))

    asyncio.run(story())


def test_a_volume_deleted_by_hand_waits_for_its_claim_and_then_takes_its_folder_along(tmp_path):
    async def story():
        async with storage(tmp_path) as control:
            await control.client.create("persistentvolumeclaims", claim())
            await control.client.create("pods", pod("p", "data"))
            await control.until(lambda: phase(control, "persistentvolumeclaims", "data") == "Bound")
            (made,) = control.objects("persistentvolumes")
            await control.client.delete("persistentvolumes", made["metadata"]["name"])
            assert control.disks.folders
            await control.client.delete("pods", "p", "default", grace_period_s=0)
            await control.client.delete("persistentvolumeclaims", "data", "default")
            await control.until(lambda: not control.objects("persistentvolumes"))
            assert not control.disks.folders

    asyncio.run(story())


async def bound(control):
    """A claim that is bound to a volume on n1; the volume."""
    await control.client.create("persistentvolumeclaims", claim())
    await control.client.create("pods", pod("p", "data", nodeSelector={"kubernetes.io/hostname": "n1"}))
    await control.until(lambda: phase(control, "persistentvolumeclaims", "data") == "Bound")
    return control.objects("persistentvolumes")[0]


async def unclaim(control):
    """Delete the pod and its claim."""
    await control.client.delete("pods", "p", "default", grace_period_s=0)
    await control.client.delete("persistentvolumeclaims", "data", "default")


def test_a_claim_deleted_while_its_folder_is_made_leaves_nothing(tmp_path):
    async def story():
        async with storage(tmp_path) as control:
            deleted = []

            async def delete(what):
                if what == "make" and not deleted:
                    deleted.append(await control.client.delete("persistentvolumeclaims", "data", "default"))

            control.disks.before = delete
            await control.client.create("persistentvolumeclaims", claim())
            await control.client.create("pods", pod("p", "data"))
            await control.until(lambda: deleted and not control.objects("persistentvolumeclaims"))
            await control.until(lambda: not control.disks.folders and not control.objects("persistentvolumes"))
            await control.until(lambda: 'persistentvolumeclaim "data" not found' in condition(control, "p"))
            await control.client.create("persistentvolumeclaims", claim())
            await control.until(lambda: phase(control, "pods", "p") == "Running")

    asyncio.run(story())


def test_what_a_node_cannot_remove_has_failed_and_goes_when_it_can(tmp_path):
    async def story():
        async with storage(tmp_path) as control:
            name = (await bound(control))["metadata"]["name"]
            control.disks.full.add("n1")
            await unclaim(control)
            await control.until(lambda: phase(control, "persistentvolumes", name) == "Failed")
            assert found(control, "persistentvolumes", name)["status"]["message"] == 'node "n1": no space left'
            assert await said(control, 'node "n1": no space left')
            control.disks.full.clear()
            await control.until(lambda: not control.objects("persistentvolumes"))
            assert not control.disks.folders

    asyncio.run(story())


def test_with_its_node_a_volume_goes(tmp_path):
    async def story():
        async with storage(tmp_path) as control:
            await bound(control)
            await control.client.delete("nodes", "n1")
            await control.client.delete("persistentvolumeclaims", "data", "default")
            await control.client.delete("pods", "p", "default", grace_period_s=0)
            await control.until(lambda: not control.objects("persistentvolumes"))

    asyncio.run(story())


def test_what_is_to_be_retained_stays_also_when_its_volume_is_deleted(tmp_path):
    async def story():
        async with storage(tmp_path, classes=[{**STANDARD, "reclaimPolicy": "Retain"}]) as control:
            name = (await bound(control))["metadata"]["name"]
            await unclaim(control)
            await control.until(lambda: phase(control, "persistentvolumes", name) == "Released")
            await control.client.delete("persistentvolumes", name)
            await control.until(lambda: not control.objects("persistentvolumes"))
            assert control.disks.folders == {("n1", name)}

    asyncio.run(story())


def test_a_class_that_does_not_wait_takes_the_first_node_that_it_allows(tmp_path):
    only = [{"matchLabelExpressions": [{"key": "kubernetes.io/hostname", "values": ["n2"]}]}]
    soon = {**STANDARD, "volumeBindingMode": "Immediate", "allowedTopologies": only}

    async def story():
        async with storage(tmp_path, classes=[soon]) as control:
            await control.client.create("persistentvolumeclaims", claim())
            await control.until(lambda: phase(control, "persistentvolumeclaims", "data") == "Bound")
            assert {node for node, _ in control.disks.folders} == {"n2"}

    asyncio.run(story())


def test_what_a_folder_cannot_be_is_said(tmp_path):
    async def story():
        async with storage(tmp_path, classes=[{**STANDARD, "volumeBindingMode": "Immediate"}]) as control:
            await control.client.create("persistentvolumeclaims", claim(volumeMode="Block"))
            why = "a folder cannot be used as a block device: volumeMode must be Filesystem"
            assert await said(control, f'failed to provision volume with StorageClass "standard": {why}')
            assert not control.disks.folders

    asyncio.run(story())


def test_claims_go_with_the_pods_of_a_statefulset_where_that_is_asked_for(tmp_path):
    async def story():
        async with storage(tmp_path) as control:
            labels = {"app": "db"}
            mounts = [{"name": "data", "mountPath": "/d"}]
            spec = {
                "replicas": 2,
                "podManagementPolicy": "Parallel",
                "persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete", "whenDeleted": "Delete"},
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "c", "image": "i", "volumeMounts": mounts}]},
                },
                "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim()["spec"]}],
            }
            await control.client.create("statefulsets.apps", {"metadata": {"name": "db", "namespace": "default"}, "spec": spec})

            def names():
                return {c["metadata"]["name"] for c in control.objects("persistentvolumeclaims")}

            await control.until(lambda: len(control.ready_pods("default")) == 2)
            assert names() == {"data-db-0", "data-db-1"}
            await control.client.patch("statefulsets.apps", "db", {"spec": {"replicas": 1}}, "default")
            await control.until(lambda: names() == {"data-db-0"})
            await control.client.patch("statefulsets.apps", "db", {"spec": {"replicas": 2}}, "default")
            await control.until(lambda: len(control.ready_pods("default")) == 2)
            await control.client.delete("statefulsets.apps", "db", "default")
            await control.until(lambda: not names() and not control.disks.folders)

    asyncio.run(story())


OTHERS = {**STANDARD, "provisioner": "example.com/p"}
SELECTED = "volume.kubernetes.io/selected-node"


def selected(control):
    """The node on which somebody else is to make the volume of the claim."""
    obj = found(control, "persistentvolumeclaims", "data")
    return obj and obj["metadata"].get("annotations", {}).get(SELECTED)


def test_a_provisioner_that_gives_up_on_a_node_is_asked_again(tmp_path):
    async def story():
        async with storage(tmp_path, nodes=["n1"], classes=[OTHERS]) as control:
            await control.client.create("persistentvolumeclaims", claim())
            await control.client.create("pods", pod("p", "data"))
            await control.until(lambda: selected(control) == "n1")
            metadata = {"metadata": {"annotations": {SELECTED: None}}}
            await control.client.patch("persistentvolumeclaims", "data", metadata, "default")
            why = 'running PreBind plugin "VolumeBinding": binding volumes: provisioning failed for PVC "data"'
            assert await said(control, why)
            await control.until(lambda: selected(control) == "n1")

    asyncio.run(story())


def test_a_pod_goes_to_where_its_volume_was_made_in_the_end(tmp_path):
    async def story():
        async with storage(tmp_path, classes=[OTHERS]) as control:
            await control.client.create("persistentvolumeclaims", claim())
            await control.client.create("pods", pod("p", "data"))
            await control.until(lambda: selected(control))
            (other,) = {"n1", "n2"} - {selected(control)}
            meta = found(control, "persistentvolumeclaims", "data")["metadata"]
            ref = {key: meta[key] for key in ("namespace", "name", "uid")}
            await control.client.create(
                "persistentvolumes", volume("made", node=other, claimRef=ref, storageClassName="standard")
            )
            await control.until(lambda: place(control, "p") == other)

    asyncio.run(story())
