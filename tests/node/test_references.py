from corral.api import podreferences as permitted
from corral.node.references import Reference, references
from corral.testing.podstate import container, new_pod


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
