"""A small operator, run by `kopf run` in `test_kopf.py`: it makes its own definition, and a ConfigMap for each Gizmo."""

import os

import kopf
import kubernetes

GROUP = os.environ["GIZMO_GROUP"]


@kopf.on.startup()
def begin(settings: kopf.OperatorSettings, **_: object) -> None:
    settings.persistence.finalizer = f"{GROUP}/finalizer"
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=GROUP)
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix=GROUP)


def _config_maps() -> kubernetes.client.CoreV1Api:
    kubernetes.config.load_kube_config(os.environ["KUBECONFIG"])
    return kubernetes.client.CoreV1Api()


@kopf.on.create(GROUP, "v1", "gizmos")
def created(spec: kopf.Spec, body: kopf.Body, name: str, namespace: str, **_: object) -> dict[str, object]:
    kopf.info(body, reason="Seen", message="a gizmo came")
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"size": str(spec["size"])}}
    kopf.adopt(made)
    _config_maps().create_namespaced_config_map(namespace, made)
    return {"config": name}


@kopf.on.update(GROUP, "v1", "gizmos", field="spec.size")
def resized(old: int, new: int, name: str, namespace: str, patch: kopf.Patch, **_: object) -> None:
    _config_maps().patch_namespaced_config_map(name, namespace, {"data": {"size": str(new)}})
    patch.status["resized"] = f"{old} to {new}"


@kopf.on.delete(GROUP, "v1", "gizmos")
def deleted(name: str, namespace: str, **_: object) -> None:
    _config_maps().create_namespaced_config_map(namespace, {"metadata": {"name": f"{name}-was-here"}})


@kopf.timer(GROUP, "v1", "gizmos", interval=0.2)
def ticked(status: kopf.Status, patch: kopf.Patch, **_: object) -> None:
    patch.status["ticks"] = min(status.get("ticks", 0) + 1, 3)


@kopf.on.event("v1", "configmaps", labels={"watched": "yes"})
def seen(type: str | None, name: str, namespace: str, **_: object) -> None:
    if type == "ADDED":
        _config_maps().patch_namespaced_config_map(name, namespace, {"data": {"seen": "yes"}})
