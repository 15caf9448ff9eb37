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
