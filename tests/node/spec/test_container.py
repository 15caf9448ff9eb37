from typing import Any

import pytest

from corral.node.cri.types import Image
from corral.node.facts import ConfigError
from corral.node.podstate.plan import Start
from corral.node.spec.container import container_config
from corral.node.spec.security import security_context
from corral.testing.podstate import container, new_pod


def image(uid=0, username=""):
    return Image("sha256:1", (), (), 1, uid, username, pinned=False)


def context(own=None, whole=None, at=None) -> dict[str, Any]:
    spec = container("c", securityContext=own or {})
    return security_context(new_pod(spec, securityContext=whole or {}), spec, at or image())


def test_a_container():
    spec = container("c", command=["sh", "-c", "$(A)"], args=["$(B)"], workingDir="/w", stdin=True, tty=True)
    made = container_config(new_pod(spec), spec, Start("c", 3, 40), image(), {"A": "x"}, [], {"cpu_shares": 2})
    assert made["metadata"] == {"name": "c", "attempt": 3}
    assert made["image"]["image"] == "sha256:1"
    assert (made["command"], made["args"]) == (["sh", "-c", "x"], ["$(B)"])
    assert made["log_path"] == "c/3.log"
    assert made["annotations"]["corral.dev/backoff-s"] == "40"
    assert made["annotations"]["io.kubernetes.container.restartCount"] == "3"
    assert (made["stdin"], made["stdin_once"], made["tty"]) == (True, False, True)


def test_the_pods_user_holds_where_the_container_names_none():
    assert context(whole={"runAsUser": 5, "runAsGroup": 6})["run_as_user"] == {"value": 5}
    assert context({"runAsUser": 7}, {"runAsUser": 5})["run_as_user"] == {"value": 7}
    assert context(at=image(None, "nginx"))["run_as_username"] == "nginx"
    assert context(at=image(33))["run_as_user"] == {"value": 33}


@pytest.mark.parametrize(
    ("own", "at", "message"),
    [
        ({"runAsNonRoot": True}, image(0), "container has runAsNonRoot and image will run as root"),
        ({"runAsNonRoot": True, "runAsUser": 0}, image(5), "container's runAsUser breaks non-root policy"),
        (
            {"runAsNonRoot": True},
            image(None, "nginx"),
            "container has runAsNonRoot and image has non-numeric user (nginx), cannot verify user is non-root",
        ),
    ],
)
def test_root_is_refused(own, at, message):
    with pytest.raises(ConfigError, match=message.replace("(", r"\(").replace(")", r"\)")):
        context(own, at=at)


def test_non_root_passes():
    assert context({"runAsNonRoot": True}, at=image(5))["run_as_user"] == {"value": 5}


def test_capabilities_and_privileges():
    made = context({"capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]}, "allowPrivilegeEscalation": False})
    assert made["capabilities"] == {"add_capabilities": ["NET_ADMIN"], "drop_capabilities": ["ALL"]}
    assert made["no_new_privs"]
    assert "/proc/kcore" in made["masked_paths"]


def test_a_privileged_container_is_not_confined():
    made = context({"privileged": True})
    assert made["privileged"]
    assert "masked_paths" not in made


def test_seccomp_and_groups():
    made = context(whole={"seccompProfile": {"type": "RuntimeDefault"}, "fsGroup": 9, "supplementalGroups": [10]})
    assert made["seccomp"] == {"profile_type": "RuntimeDefault"}
    assert made["supplemental_groups"] == [9, 10]
    local = context({"seccompProfile": {"type": "Localhost", "localhostProfile": "p.json"}})
    assert local["seccomp"] == {"profile_type": "Localhost", "localhost_ref": "p.json"}
