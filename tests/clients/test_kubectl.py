"""kubectl, unmodified: https://kubernetes.io/docs/reference/kubectl/."""

import json
from collections.abc import Callable

import pytest
import yaml
from tests import kubectl
from tests.waiting import eventually

Run = Callable[..., str]


def _deployment(name: str = "web", image: str = "nginx:1", **spec: object) -> str:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": image}]}}
    return yaml.safe_dump(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name},
            "spec": {"selector": {"matchLabels": labels}, "template": template, **spec},
        }
    )


def test_create_get_describe_edit_delete(run: Run) -> None:
    assert run("kubectl", "create", "configmap", "c", "--from-literal=a=b") == "configmap/c created\n"
    assert run("kubectl", "get", "cm/c", "-o", "jsonpath={.data.a}") == "b"
    assert run("kubectl", "label", "cm", "c", "x=y") == "configmap/c labeled\n"
    assert run("kubectl", "get", "cm", "-l", "x=y", "--no-headers", "-o", "custom-columns=N:.metadata.name") == "c\n"
    assert "a:\n----\nb" in run("kubectl", "describe", "cm", "c")
    assert 'configmaps "c" already exists' in run("kubectl", "create", "configmap", "c", code=1)
    assert run("kubectl", "delete", "cm", "c").startswith('configmap "c" deleted')
    assert "NotFound" in run("kubectl", "get", "cm", "c", code=1)


def test_apply_and_diff(run: Run) -> None:
    first = _deployment(replicas=0)
    assert run("kubectl", "apply", "-f", "-", input=first) == "deployment.apps/web created\n"
    assert run("kubectl", "apply", "-f", "-", input=first) == "deployment.apps/web unchanged\n"
    second = _deployment(replicas=0, image="nginx:2")
    assert "+      - image: nginx:2" in run("kubectl", "diff", "-f", "-", input=second, code=1)
    assert run("kubectl", "apply", "-f", "-", input=second) == "deployment.apps/web configured\n"
    assert run("kubectl", "diff", "-f", "-", input=second) == ""


def test_server_side_apply(run: Run) -> None:
    first = _deployment(replicas=0)
    assert run("kubectl", "apply", "--server-side", "-f", "-", input=first) == "deployment.apps/web serverside-applied\n"
    second = _deployment(replicas=0, image="nginx:2")
    conflict = run("kubectl", "apply", "--server-side", "--field-manager=other", "-f", "-", input=second, code=1)
    assert 'conflict with "kubectl": .spec.template.spec.containers[name="web"].image' in conflict
    run("kubectl", "apply", "--server-side", "--force-conflicts", "--field-manager=other", "-f", "-", input=second)
    assert run("kubectl", "get", "deploy", "web", "-o", "jsonpath={..containers[*].image}") == "nginx:2"


@kubectl.since(kubectl.MOVES_WHAT_IT_APPLIED)
def test_what_was_applied_by_the_client_moves_to_the_server(run: Run) -> None:
    run("kubectl", "apply", "-f", "-", input=_deployment(replicas=0))
    run("kubectl", "apply", "--server-side", "-f", "-", input=_deployment(replicas=0))
    managers = json.loads(run("kubectl", "get", "deploy", "web", "-o", "json", "--show-managed-fields"))["metadata"]
    assert {m["manager"]: m["operation"] for m in managers["managedFields"] if m["manager"].startswith("kubectl")} == {
        "kubectl": "Apply",
        "kubectl-last-applied": "Apply",
    }


@kubectl.since(kubectl.ASKS_THE_SERVER_TO_VALIDATE)
def test_validation_in_three_ways(run: Run) -> None:
    wrong = _deployment(replicas=0, bogus=1)
    strict = run("kubectl", "apply", "-f", "-", input=wrong, code=1)
    assert 'strict decoding error: unknown field "spec.bogus"' in strict
    assert 'Warning: unknown field "spec.bogus"' in run("kubectl", "apply", "--validate=warn", "-f", "-", input=wrong)
    assert "Warning" not in run("kubectl", "apply", "--validate=ignore", "-f", "-", input=wrong)


@kubectl.since(kubectl.WRITES_NO_TIME_INTO_TEMPLATES)
def test_an_undo_that_changes_nothing_is_skipped(run: Run) -> None:
    """kubectl compares the bytes of a revision with those that it makes of the template itself, escapes and order of fields included."""
    container = {"name": "c", "image": "nginx", "command": ["sh", "-c", "true && echo <done>"]}
    template = {"metadata": {"labels": {"app": "all"}}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": {"app": "all"}}, "template": template}
    manifest = {"kind": "DaemonSet", "apiVersion": "apps/v1", "metadata": {"name": "all"}, "spec": spec}
    run("kubectl", "create", "-f", "-", input=json.dumps(manifest))
    eventually(lambda: run("kubectl", "get", "controllerrevisions", "-o", "name"))
    told = run("kubectl", "rollout", "undo", "daemonset/all", "--to-revision=1")
    assert told == "daemonset.apps/all skipped rollback (current template already matches revision 1)\n"


def test_scale_rollout_and_history(run: Run) -> None:
    run("kubectl", "apply", "-f", "-", input=_deployment(replicas=1))
    assert run("kubectl", "scale", "deploy/web", "--replicas=2") == "deployment.apps/web scaled\n"
    eventually(lambda: len(run("kubectl", "get", "pods", "-o", "name").split()) == 2)
    run("kubectl", "set", "image", "deploy/web", "web=nginx:2")
    eventually(lambda: len(run("kubectl", "rollout", "history", "deploy/web").strip().splitlines()) == 4)
    assert "rolled back" in run("kubectl", "rollout", "undo", "deploy/web")
    assert "nginx:1" in eventually(lambda: run("kubectl", "get", "deploy", "web", "-o", "wide"))
    run("kubectl", "rollout", "restart", "deploy/web")
    run("kubectl", "autoscale", "deploy/web", "--max=3")
    assert "Deployment/web" in run("kubectl", "get", "hpa")


def test_explain_and_discovery(run: Run) -> None:
    resources = run("kubectl", "api-resources", "--no-headers", namespace=False)
    assert "deployments" in resources and "deploy" in resources
    assert "apps/v1" in run("kubectl", "api-versions", namespace=False)
    assert "FIELDS" in run("kubectl", "explain", "pod.spec.containers", namespace=False)
    assert "serviceAccountName" in run("kubectl", "explain", "pod.spec", "--recursive", namespace=False)
    assert run("kubectl", "cluster-info", namespace=False)


@kubectl.since(kubectl.TELLS_VERSIONS_IN_SHORT)
def test_version(run: Run) -> None:
    assert "Server Version: v1.36" in run("kubectl", "version", namespace=False)


def test_wait_and_auth(run: Run, corral_namespace: str) -> None:
    run("kubectl", "create", "serviceaccount", "robot")
    who = f"system:serviceaccount:{corral_namespace}:robot"
    assert run("kubectl", "auth", "can-i", "list", "pods", "--as", who, code=1) == "no\n"
    run("kubectl", "create", "rolebinding", "robot", "--clusterrole=view", f"--serviceaccount={corral_namespace}:robot")
    assert run("kubectl", "auth", "can-i", "list", "pods", "--as", who) == "yes\n"
    assert "selfsubjectaccessreviews.authorization.k8s.io" in run("kubectl", "auth", "can-i", "--list", "--as", who)
    run("kubectl", "create", "deployment", "d", "--image=nginx:1", "--replicas=0")
    run("kubectl", "wait", "deploy/d", "--for=condition=Available", "--timeout=20s")
    run("kubectl", "delete", "deploy", "d", "--cascade=foreground", "--wait")


@kubectl.since(kubectl.HAS_WHOAMI)
def test_whoami_and_tokens(run: Run, corral_namespace: str) -> None:
    run("kubectl", "create", "serviceaccount", "robot")
    who = f"system:serviceaccount:{corral_namespace}:robot"
    assert who in run("kubectl", "auth", "whoami", "--as", who, namespace=False)
    token = run("kubectl", "create", "token", "robot").strip()
    assert token.count(".") == 2


@pytest.mark.parametrize("output", ["name", "json", "yaml", "wide", "jsonpath={.items[*].kind}", "go-template={{.kind}}"])
def test_outputs(run: Run, output: str) -> None:
    run("kubectl", "create", "configmap", "c")
    assert run("kubectl", "get", "cm,svc", "-o", output)


def test_patches(run: Run) -> None:
    run("kubectl", "apply", "-f", "-", input=_deployment(replicas=0))
    strategic = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "x:1"}]}}}}
    run("kubectl", "patch", "deploy", "web", "-p", json.dumps(strategic))
    assert run("kubectl", "get", "deploy", "web", "-o", "jsonpath={..containers[*].name}") in ("side web", "web side")
    gone = {"spec": {"template": {"spec": {"containers": [{"$patch": "delete", "name": "side"}]}}}}
    run("kubectl", "patch", "deploy", "web", "-p", json.dumps(gone))
    assert run("kubectl", "get", "deploy", "web", "-o", "jsonpath={..containers[*].name}") == "web"
    operations = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "x:2"}]
    run("kubectl", "patch", "deploy", "web", "--type=json", "-p", json.dumps(operations))
    run("kubectl", "annotate", "deploy", "web", "note=x")
    run("kubectl", "set", "env", "deploy/web", "A=1")
    shown = json.loads(run("kubectl", "get", "deploy", "web", "-o", "json"))
    container = shown["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "x:2" and container["env"] == [{"name": "A", "value": "1"}]


def test_pods_that_no_node_runs(run: Run) -> None:
    eventually(lambda: "default" in run("kubectl", "get", "sa"))
    run("kubectl", "run", "p", "--image=nginx:1")
    assert "Pending" in run("kubectl", "get", "pods")
    assert "does not have a host assigned" in run("kubectl", "exec", "p", "--", "true", code=1)
    events = eventually(lambda: (text := run("kubectl", "describe", "pod", "p")) and "FailedScheduling" in text and text)
    assert "no nodes available to schedule pods" in events
    if kubectl.minor_version() >= kubectl.HAS_EVENTS:
        assert "FailedScheduling" in run("kubectl", "events", "--for", "pod/p")
    run("kubectl", "delete", "pod", "p", "--now")


@kubectl.since(kubectl.APPLIES_KUSTOMIZE_LABELS)
def test_kustomize_and_replace(run: Run, tmp_path) -> None:
    (tmp_path / "deploy.yaml").write_text(_deployment(replicas=0))
    (tmp_path / "kustomization.yaml").write_text("resources: [deploy.yaml]\nnamePrefix: my-\nlabels: [{pairs: {team: a}}]\n")
    assert "deployment.apps/my-web created" in run("kubectl", "apply", "-k", str(tmp_path))
    shown = run("kubectl", "get", "deploy", "my-web", "-o", "yaml")
    assert run("kubectl", "replace", "-f", "-", input=shown) == "deployment.apps/my-web replaced\n"
    assert "deleted" in run("kubectl", "replace", "--force", "-f", "-", input=shown)
