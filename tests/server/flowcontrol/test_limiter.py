"""A server under more requests than it can answer: who is turned away, who is not, and how it is told."""

import asyncio
from collections import Counter
from pathlib import Path

import aiohttp
from tests.server.conftest import config_map, until

from corral.api.objects import Object
from corral.server.flowcontrol.limiter import LEVELS, SCHEMAS
from corral.server.request import User
from corral.testing.server import RunningServer, running_server

ABUSER = User("abuser", groups=("system:authenticated",))
NODE = User("system:node:n1", groups=("system:nodes", "system:authenticated"))
USERS = {"abuser": ABUSER, "node": NODE}


def run(tmp_path: Path, what, users: dict[str, User] = USERS) -> None:
    async def story() -> None:
        async with asyncio.timeout(60), running_server(tmp_path, users=users) as server:
            await what(server)

    asyncio.run(story())


def session(server: RunningServer, token: str) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(ssl=server.tls(), limit=0)
    return aiohttp.ClientSession(server.url, connector=connector, headers={"Authorization": f"Bearer {token}"})


async def allow(server: RunningServer, user: str) -> None:
    binding = {
        "kind": "ClusterRoleBinding",
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "metadata": {"name": user},
        "subjects": [{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}],
        "roleRef": {"kind": "ClusterRole", "name": "cluster-admin", "apiGroup": "rbac.authorization.k8s.io"},
    }
    await server.client().create("clusterrolebindings.rbac.authorization.k8s.io", binding)


def level(name: str, **limited: object) -> Object:
    about = {"kind": "PriorityLevelConfiguration", "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "metadata": {"name": name}}
    return {**about, "spec": {"type": "Limited", "limited": limited}}


def schema(name: str, level: str, user: str) -> Object:
    every = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": True, "namespaces": ["*"]}
    rule = {"subjects": [{"kind": "User", "user": {"name": user}}], "resourceRules": [every]}
    spec = {"priorityLevelConfiguration": {"name": level}, "matchingPrecedence": 50, "rules": [rule]}
    about = {"kind": "FlowSchema", "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "metadata": {"name": name}}
    return {**about, "spec": spec}


def test_answers_say_which_schema_and_level_decided(tmp_path):
    async def told(server):
        client = server.client()
        async with session(server, "abuser") as http, http.get("/api/v1/nodes") as answer:
            assert answer.status == 403
            uid = (await client.get(SCHEMAS, "global-default"))["metadata"]["uid"]
            assert answer.headers["X-Kubernetes-PF-FlowSchema-UID"] == uid
            uid = (await client.get(LEVELS, "global-default"))["metadata"]["uid"]
            assert answer.headers["X-Kubernetes-PF-PriorityLevel-UID"] == uid
        async with session(server, server.token) as http, http.get("/api/v1/nodes?watch=true") as answer:
            uid = (await client.get(SCHEMAS, "exempt"))["metadata"]["uid"]
            assert answer.headers["X-Kubernetes-PF-FlowSchema-UID"] == uid

    run(tmp_path, told)


def test_who_finds_neither_seat_nor_place_is_asked_to_come_again(tmp_path):
    async def told(server):
        await allow(server, "abuser")
        client = server.client()
        response = {"type": "Reject"}
        await client.create(LEVELS, level("tiny", nominalConcurrencyShares=1, borrowingLimitPercent=0, limitResponse=response))
        await client.create(SCHEMAS, schema("tiny", "tiny", "abuser"))
        held = server.api.limiter.levels["tiny"]
        held.used = held.nominal
        async with session(server, "abuser") as http:
            async with http.get("/api/v1/nodes") as answer:
                assert answer.status == 429
                assert answer.headers["Retry-After"] == "1"
                assert await answer.text() == "Too many requests, please try again later.\n"
                uid = (await client.get(SCHEMAS, "tiny"))["metadata"]["uid"]
                assert answer.headers["X-Kubernetes-PF-FlowSchema-UID"] == uid
            held.used = 0
            async with http.get("/api/v1/nodes") as answer:
                assert answer.status == 200
            assert held.used == 0

    run(tmp_path, told)


def test_who_waits_too_long_is_turned_away_and_who_goes_gives_up_the_place(tmp_path):
    async def told(server):
        await allow(server, "abuser")
        queuing = {"queues": 1, "handSize": 1, "queueLengthLimit": 5}
        client, limiter = server.client(), server.api.limiter
        limiter._patience_s = 0.05
        spec = {"nominalConcurrencyShares": 1, "limitResponse": {"type": "Queue", "queuing": queuing}}
        await client.create(LEVELS, level("tiny", borrowingLimitPercent=0, **spec))
        await client.create(SCHEMAS, schema("tiny", "tiny", "abuser"))
        held = limiter.levels["tiny"]
        held.used = held.nominal
        async with session(server, "abuser") as http:
            async with http.get("/api/v1/nodes") as answer:
                assert answer.status == 429
            limiter._patience_s = 30
            waiting = [asyncio.create_task(http.get("/api/v1/nodes")) for _ in range(3)]
            await until(lambda: len(held.queues) == 3)
        for task in waiting:
            task.cancel()
        await until(lambda: not held.queues)
        held.used = 0

    run(tmp_path, told)


def test_under_a_flood_of_lists_health_leases_and_administrators_are_answered_within_a_few_lists(tmp_path):
    """`Counter.total` of the lists that were answered while one other request waited: that is the bound, not a time."""

    async def told(server):
        await allow(server, "abuser")
        client = server.client()
        await asyncio.gather(
            *(client.create("configmaps", config_map(f"c{i}", {"a": "b" * 500}, namespace="default")) for i in range(600))
        )
        about = {"kind": "Lease", "apiVersion": "coordination.k8s.io/v1"}
        lease = {**about, "metadata": {"name": "n1", "namespace": "kube-node-lease"}, "spec": {"holderIdentity": "n1"}}
        await client.create("leases.coordination.k8s.io", lease)
        answers: Counter[int] = Counter()
        flooding = True

        async def flood(http: aiohttp.ClientSession) -> None:
            while flooding:
                async with http.get("/api/v1/namespaces/default/configmaps?labelSelector=a!=b") as answer:
                    await answer.read()
                    answers[answer.status] += 1

        during = []
        path = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1"
        patch = {"headers": {"Content-Type": "application/merge-patch+json"}}
        async with session(server, "abuser") as abuser, session(server, "node") as node, session(server, server.token) as admin:
            tasks = [asyncio.create_task(flood(abuser)) for _ in range(60)]
            for http in (node, admin):  # Connections are made beforehand: it is not they that are limited.
                async with http.get("/readyz") as answer:
                    assert answer.status == 200
            await until(lambda: answers.total() >= 60)
            for _ in range(5):
                for made in (
                    lambda: node.patch(path, json={"spec": {"leaseDurationSeconds": 40}}, **patch),
                    lambda: node.get("/readyz"),
                    lambda: admin.get("/api/v1/namespaces/default"),
                ):
                    before = answers.total()
                    async with made() as answer:
                        assert answer.status == 200
                    during.append(answers.total() - before)
            flooding = False
            await asyncio.gather(*tasks)
        assert set(answers) == {200}
        # A request takes a few turns of the loop, and in each of them only one list that had to wait.
        assert max(during) < 20, during
        assert all(level.used == 0 for level in server.api.limiter.levels.values())

    run(tmp_path, told)


def test_a_watch_is_counted_until_it_has_begun(tmp_path):
    async def told(server):
        await allow(server, "abuser")
        async with session(server, "abuser") as http:
            watches = [await http.get("/api/v1/nodes?watch=true") for _ in range(30)]
            assert server.api.limiter.levels["global-default"].used == 0
            for watch in watches:
                watch.close()

    run(tmp_path, told)
