"""metrics.k8s.io through the API: there with the first node, read by selectors, replaced by a server of the user's own."""

import asyncio
import subprocess
from pathlib import Path

import orjson
import pytest
import yaml
from tests.server.conftest import until

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.client.client import Client
from corral.server import pki
from corral.server.resourcemetrics.api import ResourceMetrics
from corral.server.resourcemetrics.samples import Reading, Sample
from corral.server.resourcemetrics.scraper import Scraper
from corral.testing.clock import VirtualClock
from corral.testing.server import RunningServer, running_server

ROOT = "/apis/metrics.k8s.io/v1beta1"
API_SERVICE = "v1beta1.metrics.k8s.io"
SECOND_NS = 1_000_000_000


class Hurried(VirtualClock):
    """Whoever waits does not have to: time passes at once."""

    async def sleep(self, delay_s: float) -> None:
        await self.advance(delay_s)


def node(name: str) -> Object:
    return {"kind": "Node", "apiVersion": "v1", "metadata": {"name": name, "labels": {"zone": name}}}


def pod(name: str, app: str, *containers: str) -> Object:
    meta = {"name": name, "namespace": "default", "labels": {"app": app}}
    spec = {"nodeName": "n1", "containers": [{"name": one, "image": "i"} for one in containers]}
    return {"kind": "Pod", "apiVersion": "v1", "metadata": meta, "spec": spec}


async def furnish(server: RunningServer) -> Client:
    """A node, two pods that run on it, one that does not yet, and an agent that has measured all but one container."""
    clock, client = Hurried(), server.client()

    async def ask(_: str) -> Sample:
        now_s = clock.now()
        busy = Reading(now_s, int(now_s * SECOND_NS / 4), 10 * 1024)
        idle = Reading(now_s, 77, 20 * 1024)
        keys = {("default", "web", "app"): busy, ("default", "web", "log"): idle, ("default", "half", "app"): busy}
        return Sample(Reading(now_s, int(now_s * SECOND_NS), 1024 * 1024), keys)

    core = server.api.core
    core.backends.serve(ResourceMetrics(server.api.lookup, Scraper(ask, clock), clock))
    account = {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": {"name": "default", "namespace": "default"}}
    await client.create("serviceaccounts", account)
    await client.create("nodes", node("n1"))
    for made in (pod("web", "web", "app", "log"), pod("half", "half", "app", "other"), pod("new", "web", "app")):
        await client.create("pods", made)
    for name in ("web", "half"):
        await client.patch("pods", name, {"status": {"phase": "Running"}}, "default", subresource="status")
    await until(lambda: core.backends.local("metrics.k8s.io", "v1beta1"))
    return client


async def get(client: Client, path: str, **query: str) -> Object:
    found: Object = orjson.loads(await client.raw("GET", f"{ROOT}{path}", query))
    return found


def test_there_is_no_such_api_before_there_are_nodes(story):
    async def told(server):
        groups = orjson.loads(await server.client().raw("GET", "/apis"))["groups"]
        assert "metrics.k8s.io" not in [group["name"] for group in groups]
        await furnish(server)
        groups = orjson.loads(await server.client().raw("GET", "/apis"))["groups"]
        assert groups[-1]["name"] == "metrics.k8s.io"

    story(told)


def test_pods_and_nodes_are_measured(story):
    async def told(server):
        client = await furnish(server)
        found = await get(client, "/namespaces/default/pods/web")
        assert found["containers"] == [
            {"name": "app", "usage": {"cpu": "250000000n", "memory": "10Ki"}},
            {"name": "log", "usage": {"cpu": "0n", "memory": "20Ki"}},
        ]
        assert found["window"] == "1s"
        assert found["metadata"]["labels"] == {"app": "web"}
        nodes = await get(client, "/nodes")
        assert nodes["kind"] == "NodeMetricsList"
        assert nodes["items"][0]["usage"] == {"cpu": "1000000000n", "memory": "1024Ki"}

    story(told)


def test_pods_that_do_not_run_or_are_half_measured_are_left_out(story):
    async def told(server):
        client = await furnish(server)
        assert [item["metadata"]["name"] for item in (await get(client, "/pods"))["items"]] == ["web"]
        for name in ("half", "new", "none"):
            with pytest.raises(ApiError) as error:
                await get(client, f"/namespaces/default/pods/{name}")
            assert str(error.value) == f'pods.metrics.k8s.io "default/{name}" not found'

    story(told)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"labelSelector": "app=web"}, 1),
        ({"labelSelector": "app!=web"}, 0),
        ({"fieldSelector": "metadata.name=web"}, 1),
        ({"fieldSelector": "metadata.namespace!=default"}, 0),
    ],
)
def test_lists_are_selected(story, query, count):
    async def told(server):
        client = await furnish(server)
        assert len((await get(client, "/namespaces/default/pods", **query))["items"]) == count

    story(told)


def test_what_it_does_not_do_is_refused(story):
    async def told(server):
        client = await furnish(server)
        for method, path, code in (
            ("DELETE", "/namespaces/default/pods/web", 405),
            ("GET", "/namespaces/default/others", 404),
            ("GET", "/pods/web", 404),
            ("GET", "/namespaces/default/nodes", 404),
        ):
            with pytest.raises(ApiError) as error:
                await client.raw(method, ROOT + path)
            assert error.value.code == code, path
        with pytest.raises(ApiError, match="not a known field selector"):
            await get(client, "/pods", fieldSelector="spec.x=1")
        with pytest.raises(ApiError):
            await get(client, "/pods", watch="true")

    story(told)


def test_a_metrics_server_of_the_users_own_takes_its_place(story):
    async def told(server):
        client = await furnish(server)
        service = {"name": "metrics-server", "namespace": "kube-system", "port": 443}
        await client.patch("apiservices.apiregistration.k8s.io", API_SERVICE, {"spec": {"service": service}})
        await until(lambda: ("metrics.k8s.io", "v1beta1") in server.api.core.backends.remote)
        with pytest.raises(ApiError) as error:
            await get(client, "/pods")
        assert error.value.code == 503

    story(told)


def test_kubectl_top_and_explain(tmp_path: Path) -> None:
    async def story() -> None:
        async with asyncio.timeout(60), running_server(tmp_path) as server:
            client = await furnish(server)
            amounts = {"capacity": {"cpu": "4", "memory": "10Mi"}, "allocatable": {"cpu": "4", "memory": "10Mi"}}
            await client.patch("nodes", "n1", {"status": amounts}, subresource="status")
            keys = pki.Pki(server.api.config.pki_dir)
            files = keys.ca_certificate, keys.admin_certificate, keys.admin_key
            config = pki.kubeconfig(server.url, *(file.read_bytes() for file in files), "test")
            (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))

            async def kubectl(*words: str) -> list[str]:
                command = ["kubectl", "--kubeconfig", str(tmp_path / "kubeconfig"), "--cache-dir", str(tmp_path / "c"), *words]
                made = await asyncio.to_thread(subprocess.run, command, text=True, capture_output=True, timeout=20)
                assert made.returncode == 0, made.stderr
                return made.stdout.splitlines()

            assert (await kubectl("top", "pods", "--no-headers"))[0].split() == ["web", "250m", "0Mi"]
            assert (await kubectl("top", "pods", "--containers", "-l", "app=web", "--no-headers"))[0].split()[:3] == [
                "web",
                "app",
                "250m",
            ]
            assert (await kubectl("top", "nodes", "--no-headers"))[0].split() == ["n1", "1000m", "25%", "1Mi", "10%"]
            assert "web" in (await kubectl("get", "pods.metrics.k8s.io"))[1]
            text = "\n".join(await kubectl("explain", "podmetrics.containers", "--api-version", "metrics.k8s.io/v1beta1"))
            assert "name" in text
            assert "usage" in text

    asyncio.run(story())
