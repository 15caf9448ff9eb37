"""The agent with a real API server, containerd and runc: pods live and end as they should."""

import asyncio
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.cluster.registry import running_registry

from corral.api.errors import ApiError
from corral.client.client import Client
from corral.node import mounts
from corral.node.agent import Agent
from corral.node.config import NodeConfig
from corral.node.containerd import Containerd
from corral.node.hostinfo import architecture, cpu_count
from corral.node.logs.reader import LogOptions, read
from corral.node.logs.rotation import rotated
from corral.node.oci import image_archive, layer
from corral.node.pressure.thresholds import MEMORY, Threshold
from corral.node.pressure.watch import PressureWatch
from corral.node.resources import pod_cgroup
from corral.node.teardown import tear_down
from corral.testing.server import running_server

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(os.geteuid() != 0 or shutil.which("containerd") is None, reason="needs root and containerd"),
]

NAME = "nodetest"
IMAGE = "corral.local/busybox:1"
COMMANDS = ("sh", "sleep", "cat", "echo", "httpd", "touch", "rm", "ls", "mkdir", "true", "id", "head", "env")
FOREVER = ["sh", "-c", "trap 'exit 0' TERM; while true; do sleep 0.1; done"]
PATIENCE_S = 20.0
TMPFS_MAGIC = 0x01021994
CGROUPS = Path("/sys/fs/cgroup")


class World:
    """An agent, the API and the runtime beneath it."""

    def __init__(self, folder: Path, client: Client, containerd: Containerd) -> None:
        self.client = client
        self.containerd = containerd
        self.config = NodeConfig(
            NAME,
            "n1",
            "127.0.0.1",
            folder / "node",
            str(containerd.socket),
            kubelet_port=0,
            cluster_dns_ip="10.96.0.10",
            log_max_bytes=64 * 1024,
            log_look_s=0.3,
        )
        self.agent: Agent | None = None
        self._task: asyncio.Task[None] | None = None

    async def start_agent(self) -> None:
        self.agent = Agent(self.config, self.client)
        self._task = asyncio.create_task(self.agent.run())
        async with asyncio.timeout(PATIENCE_S):
            await self.agent.registration.registered.wait()

    async def stop_agent(self) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def run(self, name, *containers, meta=None, **spec):
        """Create a pod on the node; one container that runs for ever unless others are given."""
        filled = [{"image": IMAGE, **c} for c in containers or ({"name": "c", "command": FOREVER},)]
        for init in spec.get("initContainers", ()):
            init.setdefault("image", IMAGE)
        body = {"metadata": {"name": name, **(meta or {})}, "spec": {"nodeName": "n1", "containers": filled, **spec}}
        body["spec"].setdefault("terminationGracePeriodSeconds", 2)
        return await self.client.create("pods", {"kind": "Pod", "apiVersion": "v1", **body}, "default")

    async def until(self, name, condition):
        """The pod as soon as `condition(pod)` holds; None where it is gone and the condition holds for None."""
        listing = await self.client.list("pods", "default", field_selector=f"metadata.name={name}")
        last = listing.items[0].object if listing.items else None
        if condition(last):
            return last
        try:
            async with asyncio.timeout(PATIENCE_S):
                async for event in self.client.watch(
                    "pods", "default", revision=listing.revision, field_selector=f"metadata.name={name}"
                ):
                    if event.type != "BOOKMARK":
                        last = None if event.type == "DELETED" else event.item.object
                        if condition(last):
                            return last
        except TimeoutError:
            raise AssertionError(f"{name}: {json.dumps((last or {}).get('status'), indent=1)}") from None
        raise AssertionError("the watch ended")

    async def reasons(self, name):
        """The reasons of the pod's events."""
        assert self.agent is not None
        await self.agent.machine.recorder.flush()
        events = await self.client.list("events", "default", field_selector=f"involvedObject.name={name}")
        return [item.object["reason"] for item in events.items]

    async def clear(self):
        """Delete all pods; what is left of them ends meanwhile."""
        listing = await self.client.list("pods", "default")
        names = [item.object["metadata"]["name"] for item in listing.items]
        gone = (self.client.delete("pods", name, "default", grace_period_s=0) for name in names)
        await asyncio.gather(*gone, return_exceptions=True)

    def log(self, pod, container, attempt=0):
        meta = pod["metadata"]
        path = self.config.pod_log_dir("default", meta["name"], meta["uid"]) / container / f"{attempt}.log"
        return "".join(line.split(" ", 3)[3] for line in path.read_text().splitlines(keepends=True))


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    containerd = Containerd(folder / "c", folder / "r", folder / "containerd.log", folder / "cni")
    network = {
        "cniVersion": "0.4.0",
        "name": NAME,
        "plugins": [
            {
                "type": "ptp",
                "ipam": {
                    "type": "host-local",
                    "dataDir": str(folder / "ipam"),
                    "ranges": [[{"subnet": "10.231.9.0/24"}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            }
        ],
    }
    (folder / "cni").mkdir(parents=True)
    (folder / "cni/10-test.conflist").write_text(json.dumps(network))
    async with running_server(folder / "server") as server:
        client = server.client("kubelet")
        await client.create("serviceaccounts", {"metadata": {"name": "default"}}, "default")
        root_ca = {"metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": "-"}}
        await client.create("configmaps", root_ca, "default")
        built = World(folder, client, containerd)
        await containerd.ensure()
        try:
            busybox = (Path("/usr/bin/busybox").read_bytes(), 0o755)
            content = layer({"bin/busybox": busybox}, {f"bin/{c}": "busybox" for c in COMMANDS})
            archive = folder / "busybox.tar"
            config = {"Cmd": ["sh"], "Env": ["PATH=/bin"]}
            archive.write_bytes(image_archive(IMAGE, architecture(), content, config))
            containerd.ctr("images", "import", str(archive))
            await built.start_agent()
            try:
                yield built
            finally:
                await built.stop_agent()
        finally:
            await tear_down(built.config, containerd)
            containerd.purge()


@pytest.fixture(scope="module")
def loop_of_module():
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def node(loop_of_module, tmp_path_factory):
    """One world for all tests of this file, in one event loop."""
    manager = world(tmp_path_factory.mktemp("n"))
    made = loop_of_module.run(manager.__aenter__())
    yield made
    loop_of_module.run(manager.__aexit__(None, None, None))


@pytest.fixture
def run(loop_of_module, node):
    """Runs a scenario; the pods that it leaves do not take the next one's room."""
    yield loop_of_module.run
    loop_of_module.run(node.clear())


def is_running(pod):
    statuses = ((pod or {}).get("status") or {}).get("containerStatuses") or ()
    return bool(statuses) and all("running" in s["state"] and s["ready"] for s in statuses)


def container_status(pod, name="c"):
    status = (pod or {}).get("status") or {}
    found = [*status.get("containerStatuses", ()), *status.get("initContainerStatuses", ())]
    return next((s for s in found if s["name"] == name), None)


def waits_for(reason):
    return lambda pod: ((container_status(pod) or {}).get("state", {}).get("waiting") or {}).get("reason") == reason


def restarted(times):
    return lambda pod: (container_status(pod) or {}).get("restartCount") == times and is_running(pod)


def test_a_pod_runs_is_deleted_and_leaves_nothing(node, run):
    async def scenario():
        pod = await node.run("plain")
        running = await node.until("plain", is_running)
        assert running["status"]["phase"] == "Running"
        assert running["status"]["podIP"].startswith("10.231.9.")
        assert await node.reasons("plain") == ["Pulled", "Created", "Started"]
        await node.client.delete("pods", "plain", "default")
        await node.until("plain", lambda p: p is None)
        worker = node.agent.workers.get(pod["metadata"]["uid"])
        async with asyncio.timeout(PATIENCE_S):
            while worker is not None and pod["metadata"]["uid"] in node.agent.workers:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert not [s for s in await node.agent.runtime.sandboxes() if s.pod_name == "plain"]
        assert not node.config.pod_dir(pod["metadata"]["uid"]).exists()
        assert not list(Path("/sys/fs/cgroup").glob(f"*/corral-{NAME}/*/pod{pod['metadata']['uid']}"))

    run(scenario())


def test_configuration_reaches_the_container_and_follows_changes(node, run):
    async def scenario():
        await node.client.create("configmaps", {"metadata": {"name": "conf"}, "data": {"a": "one"}}, "default")
        script = "echo env=$A ip=$IP; cat /etc/conf/a; echo; while true; do cat /etc/conf/a; echo; sleep 0.1; done"
        await node.run(
            "conf",
            {
                "name": "c",
                "command": ["sh", "-c", script],
                "env": [
                    {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "conf", "key": "a"}}},
                    {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                ],
                "volumeMounts": [{"name": "v", "mountPath": "/etc/conf"}],
            },
            volumes=[{"name": "v", "configMap": {"name": "conf"}}],
        )
        pod = await node.until("conf", is_running)
        await eventually(lambda: f"env=one ip={pod['status']['podIP']}\none\n" in node.log(pod, "c"))
        await node.client.patch("configmaps", "conf", {"data": {"a": "two"}}, "default")
        await eventually(lambda: "two\n" in node.log(pod, "c"))

    run(scenario())


def test_a_service_account_token_is_mounted(node, run):
    async def scenario():
        path = "/var/run/secrets/kubernetes.io/serviceaccount"
        script = f"cat {path}/namespace; echo; head -c 3 {path}/token; echo; cat {path}/ca.crt; echo; sleep 100"
        await node.run("token", {"name": "c", "command": ["sh", "-c", script]})
        pod = await node.until("token", is_running)
        await eventually(lambda: node.log(pod, "c").startswith("default\neyJ\n-\n"))

    run(scenario())


def test_init_containers_run_before_and_sidecars_beside(node, run):
    async def scenario():
        mount = [{"name": "w", "mountPath": "/w"}]
        side = {"name": "side", "command": FOREVER, "restartPolicy": "Always"}
        first = {"name": "first", "command": ["sh", "-c", "echo made > /w/f"], "volumeMounts": mount}
        main = {"name": "c", "command": ["cat", "/w/f"], "volumeMounts": mount}
        volumes = [{"name": "w", "emptyDir": {"medium": "Memory"}}]
        await node.run("inits", main, initContainers=[first, side], volumes=volumes, restartPolicy="Never")
        pod = await node.until("inits", lambda p: p["status"].get("phase") == "Succeeded")
        assert node.log(pod, "c") == "made\n"
        assert container_status(pod, "first")["ready"]
        assert "terminated" in container_status(pod, "side")["state"]

    run(scenario())


def test_a_container_that_fails_comes_again_with_patience(node, run):
    async def scenario():
        await node.run("crash", {"name": "c", "command": ["sh", "-c", "echo bye > /dev/termination-log; exit 3"]})
        pod = await node.until("crash", waits_for("CrashLoopBackOff"))
        status = container_status(pod)
        assert status["restartCount"] == 1
        assert status["lastState"]["terminated"]["exitCode"] == 3
        assert status["lastState"]["terminated"]["message"] == "bye\n"
        assert "BackOff" in await node.reasons("crash")

    run(scenario())


def test_what_cannot_be_started_says_why(node, run):
    async def scenario():
        await node.run("no-image", {"name": "c", "image": "corral.invalid/x:1"})
        key = {"configMapKeyRef": {"name": "later", "key": "k"}}
        await node.run("no-config", {"name": "c", "command": FOREVER, "env": [{"name": "A", "valueFrom": key}]})
        await node.run("no-command", {"name": "c", "command": ["/none"]})
        await node.until("no-image", waits_for("ErrImagePull"))
        await node.until("no-image", waits_for("ImagePullBackOff"))
        pod = await node.until("no-config", waits_for("CreateContainerConfigError"))
        assert container_status(pod)["state"]["waiting"]["message"] == 'configmap "later" not found'
        pod = await node.until("no-command", waits_for("CrashLoopBackOff"))
        assert container_status(pod)["lastState"]["terminated"]["reason"] == "StartError"
        await node.client.create("configmaps", {"metadata": {"name": "later"}, "data": {"k": "v"}}, "default")
        await node.until("no-config", is_running)

    run(scenario())


def test_probes_take_a_pod_out_of_service_and_restart_it(node, run):
    async def scenario():
        script = "mkdir /t; touch /t/ready /t/alive; httpd -f -p 8080 -h /t"
        quick = {"periodSeconds": 1, "failureThreshold": 1}
        await node.run(
            "probed",
            {
                "name": "c",
                "command": ["sh", "-c", script],
                "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}, **quick},
                "livenessProbe": {"exec": {"command": ["cat", "/t/alive"]}, **quick},
                "startupProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
            },
        )
        pod = await node.until("probed", is_running)
        id = container_status(pod)["containerID"].rpartition("/")[2]
        await node.agent.runtime.exec_sync(id, ["rm", "/t/ready"])
        await node.until("probed", lambda p: not is_running(p))
        await node.agent.runtime.exec_sync(id, ["touch", "/t/ready"])
        await node.until("probed", is_running)
        await node.agent.runtime.exec_sync(id, ["rm", "/t/alive"])
        await node.until("probed", restarted(1))
        assert {"Unhealthy", "Killing"} <= set(await node.reasons("probed"))

    run(scenario())


def test_hooks_run_after_the_start_and_before_the_stop(node, run):
    async def scenario():
        def say(word):
            return {"exec": {"command": ["sh", "-c", f"echo {word} > /proc/1/fd/1; echo {word} >> /out/f"]}}

        await node.run(
            "hooks",
            {
                "name": "c",
                "command": FOREVER,
                "lifecycle": {"postStart": say("hello"), "preStop": say("goodbye")},
                "volumeMounts": [{"name": "o", "mountPath": "/out"}],
            },
            volumes=[{"name": "o", "hostPath": {"path": str(node.config.data_dir / "out"), "type": "DirectoryOrCreate"}}],
        )
        pod = await node.until("hooks", is_running)
        assert node.log(pod, "c") == "hello\n"
        await node.client.delete("pods", "hooks", "default")
        await node.until("hooks", lambda p: p is None)
        assert (node.config.data_dir / "out/f").read_text() == "hello\ngoodbye\n"

    run(scenario())


def test_following_a_log_loses_no_line_when_it_is_rotated(node, run):
    count = 8000
    line = "x" * 60
    script = f"i=0; while [ $i -lt {count} ]; do [ $((i % 1000)) = 0 ] && sleep 0.5; echo $i {line}; i=$((i+1)); done"

    async def scenario():
        await node.run("chatty", {"name": "c", "command": ["sh", "-c", script]}, restartPolicy="Never")
        pod = await node.until("chatty", lambda p: container_status(p) and "running" in container_status(p)["state"])
        [container] = node.agent.worker("default", "chatty").observer.containers
        worker = node.agent.worker("default", "chatty")
        log = Path(container.log_path)
        pieces = read(log, LogOptions(follow=True), lambda: worker.observer.containers[0].state == "running")
        async with asyncio.timeout(PATIENCE_S * 2):
            text = b"".join([piece async for piece in pieces]).decode()
        assert [int(row.split()[0]) for row in text.splitlines()] == list(range(count))
        assert len(rotated(log)) >= 2
        await node.until("chatty", lambda p: p["status"]["phase"] == "Succeeded")
        assert int(node.log(pod, "c").splitlines()[-1].split()[0]) == count - 1

    run(scenario())


def test_memory_beyond_the_limit_is_an_end(node, run):
    async def scenario():
        limits = {"limits": {"memory": "16Mi"}}
        hog = {"name": "c", "command": ["sh", "-c", "x=$(head -c 99999999 /dev/zero | cat -v)"], "resources": limits}
        await node.run("hog", hog, restartPolicy="Never")
        pod = await node.until("hog", lambda p: p["status"].get("phase") == "Failed")
        assert container_status(pod)["state"]["terminated"]["reason"] == "OOMKilled"

    run(scenario())


def test_limits_are_set_and_follow_a_resize(node, run):
    async def scenario():
        await node.run("sized", {"name": "c", "command": FOREVER, "resources": amounts("200m", "32Mi")})
        pod = await node.until("sized", is_running)
        assert limits_of(node, pod) == [(20_000, 32 << 20)] * 2
        for cpu, memory, quota_us, bytes in (("500m", "64Mi", 50_000, 64 << 20), ("100m", "48Mi", 10_000, 48 << 20)):
            change = {"spec": {"containers": [{"name": "c", "resources": amounts(cpu, memory)}]}}
            await node.client.patch("pods", "sized", change, "default", type="strategic", subresource="resize")
            await eventually(lambda: limits_of(node, pod) == [(quota_us, bytes)] * 2)  # noqa: B023 (it is called here)
        now = await node.client.get("pods", "sized", "default")
        assert container_status(now)["containerID"] == container_status(pod)["containerID"]
        assert container_status(now)["restartCount"] == 0

    run(scenario())


def condition(pod, kind):
    return next((c for c in pod["status"].get("conditions", ()) if c["type"] == kind), {})


def test_a_resize_waits_for_room_and_what_never_fits_is_refused(node, run):
    async def scenario():
        cpus = cpu_count()
        half, most = f"{cpus * 400}m", f"{cpus * 700}m"
        for name in ("first", "second"):
            await node.run(name, {"name": "c", "command": FOREVER, "resources": {"requests": {"cpu": half}}})
            await node.until(name, is_running)

        async def ask(cpu):
            change = {"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}]}}
            await node.client.patch("pods", "first", change, "default", type="strategic", subresource="resize")

        with pytest.raises(ApiError, match="enough allocatable resources: cpu"):
            await ask(f"{cpus + 1}")
        await ask(most)
        pod = await node.until("first", lambda p: condition(p, "PodResizePending").get("reason") == "Deferred")
        assert container_status(pod)["resources"] == {"requests": {"cpu": half}}
        await node.client.delete("pods", "second", "default")

        def resized(pod):
            has = container_status(pod)["resources"] == {"requests": {"cpu": most}}
            return has and not condition(pod, "PodResizePending") and not condition(pod, "PodResizeInProgress")

        pod = await node.until("first", resized)
        assert container_status(pod)["allocatedResources"] == {"cpu": most}
        assert container_status(pod)["restartCount"] == 0

    run(scenario())


def test_a_resize_that_needs_a_restart_restarts_only_its_container(node, run):
    async def scenario():
        policy = [
            {"resourceName": "cpu", "restartPolicy": "NotRequired"},
            {"resourceName": "memory", "restartPolicy": "RestartContainer"},
        ]
        sized = {"command": FOREVER, "resources": amounts("100m", "32Mi")}
        await node.run("both", {"name": "a", **sized, "resizePolicy": policy}, {"name": "b", **sized})
        await node.until("both", is_running)
        change = {"spec": {"containers": [{"name": name, "resources": amounts("200m", "48Mi")} for name in ("a", "b")]}}
        await node.client.patch("pods", "both", change, "default", type="strategic", subresource="resize")
        pod = await node.until(
            "both",
            lambda p: (
                [s["restartCount"] for s in p["status"]["containerStatuses"]] == [1, 0]
                and not condition(p, "PodResizeInProgress")
            ),
        )
        assert [s["resources"]["limits"]["memory"] for s in pod["status"]["containerStatuses"]] == ["48Mi"] * 2

    run(scenario())


def test_another_image_takes_the_place_of_the_old_one_even_where_nothing_is_restarted(node, run):
    async def scenario():
        await node.run("once", {"name": "c", "command": FOREVER}, restartPolicy="Never")
        await node.until("once", is_running)
        phases, other = set(), "corral.local/busybox:2"
        node.containerd.ctr("images", "tag", "--force", IMAGE, other)
        change = {"spec": {"containers": [{"name": "c", "image": other}]}}
        await node.client.patch("pods", "once", change, "default", type="strategic")

        def replaced(pod):
            phases.add(pod["status"]["phase"])
            return container_status(pod)["restartCount"] == 1 and "running" in container_status(pod)["state"]

        await node.until("once", replaced)
        assert phases == {"Running"}

    run(scenario())


def test_secrets_and_tokens_lie_in_memory_and_go_with_the_pod(node, run):
    async def scenario():
        secret = {"metadata": {"name": "hidden"}, "stringData": {"key": "s3cret"}}
        await node.client.create("secrets", secret, "default")
        look = {"name": "c", "command": ["sh", "-c", "cat /hidden/key; echo; sleep 600"]}
        look["volumeMounts"] = [{"name": "v", "mountPath": "/hidden"}]
        await node.run("looks-in", look, volumes=[{"name": "v", "secret": {"secretName": "hidden"}}])
        pod = await node.until("looks-in", is_running)
        folder = node.config.pod_dir(pod["metadata"]["uid"])
        mounted = [p for p in mounts.mount_points() if p.startswith(f"{folder}/volumes")]
        kinds = sorted(Path(p).parent.name for p in mounted)
        assert kinds == ["kubernetes.io~projected", "kubernetes.io~secret"]
        assert all(mounts.filesystem_magic(Path(p)) == TMPFS_MAGIC for p in mounted)
        await eventually(lambda: node.log(pod, "c").startswith("s3cret"))
        await node.client.delete("pods", "looks-in", "default", grace_period_s=0)
        await eventually(lambda: not any(p.startswith(str(folder)) for p in mounts.mount_points()))

    run(scenario())


def test_a_class_of_service_weighs_what_its_pods_asked_for(node, run):
    async def scenario():
        before = weight_of(node, "burstable")
        await node.run("asks", {"name": "c", "command": FOREVER, "resources": {"requests": {"cpu": "1500m"}}})
        await node.until("asks", is_running)
        assert weight_of(node, "burstable") > before >= weight_of(node, "besteffort")
        await node.client.delete("pods", "asks", "default")
        await eventually(lambda: weight_of(node, "burstable") == before)

    run(scenario())


def test_an_image_is_a_volume_that_nobody_writes_to(node, run):
    async def scenario():
        look = {"name": "c", "command": ["sh", "-c", "ls /image/bin/sh; touch /image/x 2>/dev/null || echo refused"]}
        look["volumeMounts"] = [{"name": "v", "mountPath": "/image"}]
        await node.run("looks", look, restartPolicy="Never", volumes=[{"name": "v", "image": {"reference": IMAGE}}])
        pod = await node.until("looks", lambda pod: pod and pod["status"].get("phase") == "Succeeded")
        assert node.log(pod, "c") == "/image/bin/sh\nrefused\n"

    run(scenario())


def watch_with(node, *thresholds, **settings):
    """A watch over the node's pods in place of its own, below other thresholds."""
    agent, config = node.agent, replace(node.config, eviction=thresholds, **settings)
    free = agent.collector.free_all
    return PressureWatch(config, agent.clock, agent.runtime.stats, agent.images.folder, agent._active, free, lambda: None)


def test_a_node_short_of_memory_ends_the_greediest_pod_and_takes_none_that_asks_for_nothing(node, run):
    async def scenario():
        own = node.agent.pressure
        asks = {"requests": {"memory": "200Mi"}}
        await node.run("modest", {"name": "c", "command": FOREVER, "resources": asks})
        await node.run("greedy", {"name": "c", "command": ["sh", "-c", f"x=$(cat /bin/sh); {' '.join(FOREVER[2:])}"]})
        for name in ("modest", "greedy"):
            await node.until(name, is_running)
        node.agent.pressure = watch_with(node, Threshold("memory.available", "100%", MEMORY, "memory"))
        try:
            ended = await node.agent.pressure.look()
            assert ended.pod["metadata"]["name"] == "greedy"
            pod = await node.until("greedy", lambda p: p["status"].get("phase") == "Failed")
            assert pod["status"]["reason"] == "Evicted"
            assert pod["status"]["message"].startswith("The node was low on resource: memory. Threshold quantity: ")
            assert condition(pod, "DisruptionTarget")["reason"] == "TerminationByKubelet"
            assert "Evicted" in await node.reasons("greedy")
            await node.run("late")
            pod = await node.until("late", lambda p: p["status"].get("phase") == "Failed")
            assert pod["status"]["message"] == "Pod was rejected: The node had condition: [MemoryPressure]. "
            await node.run("asks", {"name": "c", "command": FOREVER, "resources": asks})
            await node.until("asks", is_running)
            assert is_running(await node.client.get("pods", "modest", "default"))
        finally:
            node.agent.pressure = own

    run(scenario())


def test_who_uses_more_of_the_disk_than_it_said_is_ended(node, run):
    async def scenario():
        fill = "head -c 3000000 /dev/zero > /e/f; "
        mount = {"volumeMounts": [{"name": "e", "mountPath": "/e"}]}
        await node.run(
            "overflows",
            {"name": "c", "command": ["sh", "-c", fill + FOREVER[2]], **mount},
            volumes=[{"name": "e", "emptyDir": {"sizeLimit": "1Mi"}}],
        )
        limits = {"resources": {"limits": {"ephemeral-storage": "2Mi"}}}
        await node.run(
            "exceeds",
            {"name": "c", "command": ["sh", "-c", fill + FOREVER[2]], **mount, **limits},
            volumes=[{"name": "e", "emptyDir": {}}],
        )
        told = {
            "overflows": 'Usage of EmptyDir volume "e" exceeds the limit "1Mi". ',
            "exceeds": "Pod ephemeral local storage usage exceeds the total limit of containers 2Mi. ",
        }
        for name in told:
            await node.until(name, is_running)
        watch = watch_with(node)
        async with asyncio.timeout(PATIENCE_S):
            while len([w for w in node.agent._active() if w.pod["metadata"]["name"] in told]) > 0:
                await watch.look()
                await asyncio.sleep(0.1)
        for name, message in told.items():
            pod = await node.until(name, lambda p: p["status"].get("phase") == "Failed")
            assert (pod["status"]["reason"], pod["status"]["message"]) == ("Evicted", message)

    run(scenario())


def test_images_that_can_be_fetched_again_go_when_nothing_uses_them(node, run):
    async def scenario():
        with running_registry("nobody", "nothing") as registry:
            registry.put("open/app", "1", "fetched")
            image = f"{registry.address}/open/app:1"
            await node.run("fetched", {"name": "c", "image": image})
            await node.until("fetched", is_running)
            await node.agent.collector.free_all()
            assert await node.agent.images.image(image) is not None
            await node.client.delete("pods", "fetched", "default", grace_period_s=0)
            await eventually_async(lambda: gone(node, "fetched"))
            await node.agent.collector.free_all()
            assert await node.agent.images.image(image) is None
            assert await node.agent.images.image(IMAGE) is not None

    run(scenario())


def test_a_killed_container_and_a_killed_sandbox_come_back(node, run):
    async def scenario():
        await node.run("victim")
        pod = await node.until("victim", is_running)
        kill(node, container_status(pod)["containerID"].rpartition("/")[2])
        await node.run("boxed")
        await node.until("boxed", is_running)
        kill(node, node.agent.worker("default", "boxed").observer.sandboxes[0].id)
        await node.until("victim", restarted(1))
        await node.until("boxed", restarted(1))
        assert "SandboxChanged" in await node.reasons("boxed")

    run(scenario())


def test_a_new_agent_finds_pods_as_they_are(node, run):
    async def scenario():
        await node.run("kept")
        await node.run("dropped")
        kept = await node.until("kept", is_running)
        await node.until("dropped", is_running)
        await node.stop_agent()
        await node.client.delete("pods", "dropped", "default", grace_period_s=0)
        await node.start_agent()
        await eventually_async(lambda: gone(node, "dropped"))
        now = await node.client.get("pods", "kept", "default")
        assert container_status(now) == container_status(kept)
        assert now["metadata"]["resourceVersion"] == kept["metadata"]["resourceVersion"]
        kill(node, container_status(now)["containerID"].rpartition("/")[2])
        await node.until("kept", restarted(1))

    run(scenario())


def test_what_others_say_of_a_pods_state_does_not_last(node, run):
    async def scenario():
        await node.run("tampered")
        pod = await node.until("tampered", is_running)
        worker = node.agent.worker("default", "tampered")
        lies = [{**c, "status": "False"} if c["type"] == "Ready" else c for c in pod["status"]["conditions"]]
        status = {"phase": "Pending", "conditions": lies}
        await node.client.patch("pods", "tampered", {"status": status}, "default", subresource="status")
        await eventually(lambda: worker.pod["status"]["phase"] == "Pending")
        worker.restore()
        pod = await node.until("tampered", lambda p: p["status"]["phase"] == "Running")
        assert condition(pod, "Ready")["status"] == "True"

    run(scenario())


def test_a_deadline_ends_a_pod(node, run):
    async def scenario():
        await node.run("late", activeDeadlineSeconds=1)
        pod = await node.until("late", lambda p: p["status"].get("phase") == "Failed")
        assert pod["status"]["reason"] == "DeadlineExceeded"

    run(scenario())


def test_the_node_is_registered_and_its_lease_renewed(node, run):
    async def scenario():
        found = await node.client.get("nodes", "n1")
        assert {c["type"]: c["status"] for c in found["status"]["conditions"]}["Ready"] == "True"
        assert found["status"]["nodeInfo"]["containerRuntimeVersion"].startswith("containerd://")
        assert found["metadata"]["labels"]["kubernetes.io/hostname"] == "n1"
        lease = await node.client.get("leases.coordination.k8s.io", "n1", "kube-node-lease")
        assert lease["spec"]["holderIdentity"] == "n1"

    run(scenario())


def amounts(cpu, memory):
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": cpu, "memory": memory}}


def weight_of(node, level):
    """The CPU weight of a class of service among its siblings, in the units of the host's cgroup version."""
    root = node.config.cgroup_root.lstrip("/")
    if node.agent.machine.cgroups.v2:
        return int((CGROUPS / root / level / "cpu.weight").read_text())
    return int((CGROUPS / "cpu" / root / level / "cpu.shares").read_text())


def limits_of(node, pod):
    """CPU quota in microseconds for each 100 ms and memory in bytes: of the pod's cgroup and of its only container's."""
    above = pod_cgroup(node.config.cgroup_root, pod).lstrip("/")
    id = container_status(pod)["containerID"].rpartition("/")[2]
    found = []
    for path in (above, f"{above}/{id}"):
        if node.agent.machine.cgroups.v2:
            quota = (CGROUPS / path / "cpu.max").read_text().split()[0]
            memory = (CGROUPS / path / "memory.max").read_text()
        else:
            quota = (CGROUPS / "cpu" / path / "cpu.cfs_quota_us").read_text()
            memory = (CGROUPS / "memory" / path / "memory.limit_in_bytes").read_text()
        found.append((int(quota), int(memory)))
    return found


async def gone(node, name):
    return not [s for s in await node.agent.runtime.sandboxes() if s.pod_name == name]


async def eventually(question):
    async with asyncio.timeout(PATIENCE_S):
        while not question():  # noqa: ASYNC110 (what is waited for is outside this process)
            await asyncio.sleep(0.02)


async def eventually_async(question):
    async with asyncio.timeout(PATIENCE_S):
        while not await question():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def kill(node, id):
    """SIGKILL to the first process of a container or sandbox, as the kernel would."""
    tasks = node.containerd.ctr("tasks", "ls").splitlines()
    pid = next(int(line.split()[1]) for line in tasks if line.startswith(id))
    os.kill(pid, signal.SIGKILL)


def test_a_pod_that_belongs_elsewhere_is_refused(node, run):
    """It names this node itself, past the scheduler; what it says of where it belongs counts all the same."""

    def is_refused(pod):
        return (pod.get("status") or {}).get("phase") == "Failed"

    async def scenario():
        await node.run("choosy", nodeSelector={"zone": "a"})
        pod = await node.until("choosy", is_refused)
        message = "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"
        assert (pod["status"]["reason"], pod["status"]["message"]) == ("NodeAffinity", message)
        assert await node.reasons("choosy") == ["NodeAffinity"]
        # What is made right after the node has got its label is at home there, and stays when it loses it.
        await node.client.patch("nodes", "n1", {"metadata": {"labels": {"zone": "a"}}})
        await node.run("at-home", nodeSelector={"zone": "a"})
        await node.until("at-home", is_running)
        taints = [{"key": "maintenance", "effect": "NoExecute"}]
        await node.client.patch("nodes", "n1", {"spec": {"taints": taints}, "metadata": {"labels": {"zone": None}}})
        await eventually(lambda: node.agent.machine.own.get()["spec"].get("taints"))
        await node.run("driven-out")
        assert (await node.until("driven-out", is_refused))["status"]["reason"] == "TaintToleration"
        await node.stop_agent()
        await node.start_agent()
        await node.run("tolerant", tolerations=[{"operator": "Exists"}])
        await node.until("tolerant", is_running)
        assert is_running(await node.client.get("pods", "at-home", "default"))
        await node.client.patch("nodes", "n1", {"spec": {"taints": None}})

    run(scenario())
