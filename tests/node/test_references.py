import asyncio

from corral.api import podreferences as permitted
from corral.node.references import LINGER_S, Reference, References, references
from corral.testing.clock import VirtualClock
from corral.testing.podstate import container, new_pod
from corral.testing.server import running_server


def test_all_that_a_pod_names():
    pod = new_pod(
        container(
            "c", envFrom=[{"configMapRef": {"name": "a"}}], env=[{"name": "X", "valueFrom": {"secretKeyRef": {"name": "b"}}}]
        ),
        initContainers=[container("i", env=[{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "a"}}}])],
        volumes=[
            {"name": "1", "configMap": {"name": "c"}},
            {"name": "2", "secret": {"secretName": "d"}},
            {"name": "3", "projected": {"sources": [{"configMap": {"name": "kube-root-ca.crt"}}, {"secret": {"name": "e"}}]}},
            {"name": "4", "emptyDir": {}},
        ],
        imagePullSecrets=[{"name": "pull"}],
    )
    assert set(references(pod)) == {
        Reference("configmaps", "default", "a"),
        Reference("secrets", "default", "b"),
        Reference("configmaps", "default", "c"),
        Reference("secrets", "default", "d"),
        Reference("configmaps", "default", "kube-root-ca.crt"),
        Reference("secrets", "default", "e"),
        Reference("secrets", "default", "pull"),
    }


def test_the_server_lets_the_node_read_all_that_it_asks_for():
    containers = [container("c", envFrom=[{"secretRef": {"name": "a"}}, {"configMapRef": {"name": "b"}}])]
    inits = [container("i", env=[{"name": "X", "valueFrom": {"secretKeyRef": {"name": "c"}}}])]
    ephemeral = [container("e", env=[{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "d"}}}])]
    projected = {"sources": [{"secret": {"name": "e"}}, {"configMap": {"name": "f"}}]}
    volumes = [
        {"name": "1", "secret": {"secretName": "g"}},
        {"name": "2", "configMap": {"name": "h"}},
        {"name": "3", "projected": projected},
    ]
    pod = new_pod(
        *containers, initContainers=inits, ephemeralContainers=ephemeral, volumes=volumes, imagePullSecrets=[{"name": "i"}]
    )
    asked = references(pod)
    assert len(asked) == 9
    assert {r.name for r in asked if r.resource == "secrets"} <= permitted.secrets(pod["spec"])
    assert {r.name for r in asked if r.resource == "configmaps"} <= permitted.config_maps(pod["spec"])


def used(tmp_path, story):
    """`story(references, client, clock, told)`, `told` being the uids that were told of a change; there are an `a` of each kind."""

    async def run():
        async with asyncio.timeout(30), running_server(tmp_path) as server:
            clock, client, told = VirtualClock(), server.client(), asyncio.Queue()
            await client.create("configmaps", {"metadata": {"name": "a"}, "data": {"k": "1"}}, "default")
            await client.create("secrets", {"metadata": {"name": "a"}}, "default")
            found = References(client, told.put_nowait, clock)
            try:
                await story(found, client, clock, told)
            finally:
                await found.close()

    asyncio.run(run())


MAP, SECRET = Reference("configmaps", "default", "a"), Reference("secrets", "default", "a")


def test_who_waits_for_the_first_fetch_is_not_told_of_it_but_of_every_change_after_it(tmp_path):
    async def story(found, client, clock, told):
        await asyncio.gather(found.use("one", [MAP]), found.use("two", [MAP]))
        assert found.get(MAP)["data"] == {"k": "1"} and told.empty()
        await client.patch("configmaps", "a", {"data": {"k": "2"}}, "default")
        assert {await told.get(), await told.get()} == {"one", "two"}
        assert found.get(MAP)["data"] == {"k": "2"}

    used(tmp_path, story)


def test_a_config_map_is_kept_for_the_next_pod_a_secret_is_not(tmp_path):
    async def story(found, client, clock, told):
        await found.use("one", [MAP, SECRET])
        found.release("one")
        assert found.get(MAP) is not None and found.get(SECRET) is None
        await clock.advance(LINGER_S / 2)
        await found.use("two", [MAP])
        await clock.advance(LINGER_S)
        await client.patch("configmaps", "a", {"data": {"k": "2"}}, "default")
        assert await told.get() == "two"  # It is still watched, for its new user.
        found.release("two")
        await clock.advance(LINGER_S)
        assert found.get(MAP) is None

    used(tmp_path, story)
