"""Images from a registry: by whom, with which credentials, and when they are fetched again."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.cluster.conftest import Cluster
from tests.cluster.registry import Registry, running_registry
from tests.waiting import eventually

Kubectl = Callable[..., str]


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    with running_registry("robot", "s3cret") as served:
        yield served


@pytest.fixture
def run(cluster: Cluster, namespace: str) -> Callable[..., None]:
    """Start a pod of one container from an image."""

    def start(name: str, image: str, policy: str = "IfNotPresent", **spec: Any) -> None:
        container = {"name": "c", "image": image, "imagePullPolicy": policy}
        spec = {"containers": [container], "terminationGracePeriodSeconds": 0, **spec}
        cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}, namespace)

    return start


@pytest.fixture
def version(kubectl: Kubectl) -> Callable[[str], str]:
    """What the image of a running pod says of itself."""

    def read(name: str) -> str:
        kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=30s")
        return str(eventually(lambda: kubectl("logs", name))).removesuffix("\n")

    return read


@pytest.fixture
def waiting(cluster: Cluster, namespace: str) -> Callable[..., str]:
    """The message of a container that waits for this reason."""

    def message(name: str, reason: str) -> str:
        def found() -> dict[str, Any] | None:
            statuses = cluster.get("pod", name, "-n", namespace)["status"].get("containerStatuses") or [{}]
            waits = statuses[0].get("state", {}).get("waiting") or {}
            return waits if waits.get("reason") == reason else None

        return str(eventually(found, why=f"{name} does not wait for {reason}")["message"])

    return message


def log_in(kubectl: Kubectl, registry: Registry, secret: str, password: str = "") -> None:
    """Keep the registry's user in a Secret."""
    words = [f"--docker-server={registry.address}", f"--docker-username={registry.user}"]
    kubectl("create", "secret", "docker-registry", secret, *words, f"--docker-password={password or registry.password}")


def test_what_is_open_to_all_needs_no_credentials(registry, run, version, kubectl):
    registry.put("open/app", "1", "one")
    run("open", f"{registry.address}/open/app:1")
    assert version("open") == "one"
    for said in ("Pulling image", "Successfully pulled image"):  # Events are written a moment later.
        eventually(lambda said=said: f'{said} "{registry.address}/open/app:1"' in kubectl("describe", "pod", "open"))


@pytest.mark.parametrize("guard", ["basic", "token"])
def test_what_is_guarded_is_refused_without_credentials(registry, run, waiting, kubectl, guard):
    registry.put(f"{guard}/refused", "1", "never seen")
    image = f"{registry.address}/{guard}/refused:1"
    run(f"no-{guard}", image)
    why = waiting(f"no-{guard}", "ErrImagePull")
    assert image in why
    assert "401 Unauthorized" in why or "authorization failed" in why
    assert waiting(f"no-{guard}", "ImagePullBackOff").startswith(f'Back-off pulling image "{image}": ErrImagePull: ')
    answer = kubectl("logs", f"no-{guard}", check=False)
    assert answer == ""


@pytest.mark.parametrize("guard", ["basic", "token"])
def test_a_pods_own_secret_opens_the_registry(registry, run, version, kubectl, guard):
    registry.put(f"{guard}/own", "1", guard)
    log_in(kubectl, registry, "login")
    run("own", f"{registry.address}/{guard}/own:1", imagePullSecrets=[{"name": "login"}])
    assert version("own") == guard


def test_a_service_accounts_secret_opens_the_registry_to_its_pods(registry, run, version, kubectl):
    registry.put("basic/account", "1", "by account")
    log_in(kubectl, registry, "login")
    kubectl("create", "serviceaccount", "puller")
    kubectl("patch", "serviceaccount", "puller", "-p", '{"imagePullSecrets": [{"name": "login"}]}')
    run("accounted", f"{registry.address}/basic/account:1", serviceAccountName="puller")
    assert version("accounted") == "by account"


def test_a_wrong_password_among_right_ones_does_no_harm(registry, run, version, waiting, kubectl):
    registry.put("basic/several", "1", "at last")
    log_in(kubectl, registry, "old", password="expired")
    log_in(kubectl, registry, "login")
    image = f"{registry.address}/basic/several:1"
    run("wrong", image, imagePullSecrets=[{"name": "old"}])
    assert "401 Unauthorized" in waiting("wrong", "ErrImagePull")
    run("both", image, imagePullSecrets=[{"name": "old"}, {"name": "login"}])
    assert version("both") == "at last"


def test_a_secret_that_comes_later_is_told_of_and_then_used(registry, run, version, waiting, kubectl):
    registry.put("basic/later", "1", "patience")
    run("later", f"{registry.address}/basic/later:1", imagePullSecrets=[{"name": "login"}])
    waiting("later", "ImagePullBackOff")
    told = "Unable to retrieve some image pull secrets (login); attempting to pull the image may not succeed."
    eventually(lambda: told in kubectl("describe", "pod", "later"))
    log_in(kubectl, registry, "login")
    assert version("later") == "patience"


def test_the_policy_says_when_to_ask_the_registry(registry, run, version, waiting):
    image = f"{registry.address}/open/moving:1"
    registry.put("open/moving", "1", "first")
    run("never", image, "Never")
    told = f'Container image "{image}" is not present with pull policy of Never'
    assert waiting("never", "ErrImageNeverPull") == told
    assert "open/moving:1" not in registry.asked
    run("present", image, "IfNotPresent")
    assert version("present") == "first"

    registry.put("open/moving", "1", "second")
    asked = len(registry.asked)
    run("again", image, "IfNotPresent")
    assert version("again") == "first"
    run("nevertheless", image, "Never")
    assert version("nevertheless") == "first"
    assert len(registry.asked) == asked
    run("always", image, "Always")
    assert version("always") == "second"


def test_a_digest_names_one_image_for_ever(registry, run, version, waiting, cluster, namespace):
    first = registry.put("open/pinned", "1", "pinned")
    registry.put("open/pinned", "1", "moved on")
    run("pinned", first)
    assert version("pinned") == "pinned"
    status = cluster.get("pod", "pinned", "-n", namespace)["status"]["containerStatuses"][0]
    assert status["imageID"] == first
    unknown = f"{registry.address}/open/pinned@sha256:{'0' * 64}"
    run("unknown", unknown)
    assert "not found" in waiting("unknown", "ErrImagePull")


def test_an_image_that_is_present_is_not_everybodys(registry, run, version, waiting, kubectl):
    """KEP-2535: only who could have fetched it may use what another pod had fetched."""
    registry.put("basic/private", "1", "private")
    image = f"{registry.address}/basic/private:1"
    log_in(kubectl, registry, "login")
    run("owner", image, imagePullSecrets=[{"name": "login"}])
    assert version("owner") == "private"
    asked = len(registry.asked)
    run("stranger", image)
    run("hopeful", image, "Never")
    assert "401 Unauthorized" in waiting("stranger", "ErrImagePull")
    waiting("hopeful", "ErrImageNeverPull")
    run("sibling", image, "Never", imagePullSecrets=[{"name": "login"}])
    assert version("sibling") == "private"
    assert len(registry.asked) == asked
