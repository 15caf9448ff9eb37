"""Pods: defaults, what is wrong with one, and what of one may change."""

import copy

import pytest

from corral.api.kinds import rules
from corral.api.rules import Context

RULES = rules("", "Pod")
CONTEXT = Context(now_s=0)


def pod(**spec):
    obj = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p", "namespace": "n"}}
    obj["spec"] = {"containers": [{"name": "web", "image": "nginx"}], **spec}
    return obj


def made(**spec):
    obj = pod(**spec)
    RULES.default(obj)
    RULES.prepare_create(obj, CONTEXT)
    return obj


def faults(errors):
    return [str(e) for e in errors.items]


def test_defaults_are_idempotent():
    once = made(hostNetwork=True, volumes=[{"name": "v"}])
    again = copy.deepcopy(once)
    RULES.default(again)
    assert again == once


def test_defaults_of_the_spec():
    spec = made()["spec"]
    assert spec["restartPolicy"] == "Always"
    assert spec["dnsPolicy"] == "ClusterFirst"
    assert spec["terminationGracePeriodSeconds"] == 30
    assert spec["containers"][0]["imagePullPolicy"] == "Always"
    assert spec["containers"][0]["resources"] == {}


@pytest.mark.parametrize(
    ("image", "policy"),
    [("nginx", "Always"), ("nginx:1", "IfNotPresent"), ("r.io:5000/a", "Always"), ("a@sha256:" + "a" * 64, "IfNotPresent")],
)
def test_only_latest_is_always_pulled(image, policy):
    assert made(containers=[{"name": "a", "image": image}])["spec"]["containers"][0]["imagePullPolicy"] == policy


def test_requests_are_the_limits_where_not_given():
    resources = {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m"}}
    obj = made(containers=[{"name": "a", "image": "i", "resources": resources}])
    assert obj["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "100m", "memory": "1Gi"}
    assert obj["status"]["qosClass"] == "Burstable"


def test_one_address_is_also_the_list_of_addresses():
    obj = pod()
    obj["status"] = {"podIP": "10.0.0.1", "hostIP": "10.1.1.2", "hostIPs": [{"ip": "10.1.1.1"}]}
    RULES.default(obj)
    assert obj["status"]["podIPs"] == [{"ip": "10.0.0.1"}]
    assert obj["status"]["hostIPs"] == [{"ip": "10.1.1.2"}]


def test_an_ephemeral_container_changes_nothing_else_but_the_owners():
    old = made()
    new = pod(hostname="x", ephemeralContainers=[{"name": "dbg", "image": "busybox"}])
    new["metadata"] |= {"labels": {"a": "b"}, "managedFields": [{"manager": "m"}]}
    RULES.prepare_update(new, old, "ephemeralcontainers", CONTEXT)
    assert new["metadata"] == old["metadata"] | {"managedFields": [{"manager": "m"}]}
    assert set(new["spec"]) == set(old["spec"]) | {"ephemeralContainers"}


def test_quality_of_service():
    assert made()["status"]["qosClass"] == "BestEffort"
    limited = {"limits": {"cpu": "1", "memory": "1Gi"}}
    assert made(containers=[{"name": "a", "image": "i", "resources": limited}])["status"]["qosClass"] == "Guaranteed"


def test_a_sound_pod_has_no_fault():
    mounts = [{"name": "v", "mountPath": "/v"}]
    obj = made(volumes=[{"name": "v"}], containers=[{"name": "a", "image": "i", "volumeMounts": mounts}])
    assert faults(RULES.validate_create(obj)) == []


def test_containers_are_required_and_named_once():
    assert faults(RULES.validate_create(made(containers=[]))) == ["spec.containers: Required value"]
    twice = [{"name": "a", "image": "i"}, {"name": "a", "image": "i"}]
    assert faults(RULES.validate_create(made(containers=twice))) == ['spec.containers[1].name: Duplicate value: "a"']


def test_a_mount_needs_its_volume():
    mounts = [{"name": "gone", "mountPath": "/v"}]
    obj = made(containers=[{"name": "a", "image": "i", "volumeMounts": mounts}])
    assert faults(RULES.validate_create(obj)) == ['spec.containers[0].volumeMounts[0].name: Not found: "gone"']


def test_a_volume_has_one_source():
    obj = made(volumes=[{"name": "v", "emptyDir": {}, "hostPath": {"path": "/"}}])
    assert "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type" in faults(RULES.validate_create(obj))


def test_requests_do_not_exceed_limits():
    resources = {"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}
    obj = made(containers=[{"name": "a", "image": "i", "resources": resources}])
    assert faults(RULES.validate_create(obj)) == [
        'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'
    ]


def test_a_probe_has_one_handler_and_a_port():
    obj = made(containers=[{"name": "a", "image": "i", "readinessProbe": {"httpGet": {"port": 0}, "exec": {"command": ["x"]}}}])
    assert faults(RULES.validate_create(obj)) == [
        "spec.containers[0].readinessProbe.httpGet: Forbidden: may not specify more than 1 handler type"
    ]


def test_the_image_may_change():
    old, new = made(), made()
    new["spec"]["containers"][0]["image"] = "nginx:2"
    assert faults(RULES.validate_update(new, old, "")) == []


def test_a_spec_that_todays_rules_refuse_keeps_no_metadata_from_changing():
    """A pod that an earlier version has taken can still be labelled, and lose its finalizers."""
    old = made()
    old["metadata"]["finalizers"] = ["example.com/wait"]
    old["spec"]["containers"][0]["terminationMessagePolicy"] = "Gone"
    new = copy.deepcopy(old)
    new["metadata"] |= {"labels": {"a": "b"}, "finalizers": []}
    assert faults(RULES.validate_update(new, old, "")) == []
    new["spec"]["containers"][0]["image"] = "nginx:2"
    (fault,) = faults(RULES.validate_update(new, old, ""))
    assert fault.startswith("spec.containers[0].terminationMessagePolicy: Unsupported value")


def test_a_command_may_not_change():
    old, new = made(), made()
    new["spec"]["containers"][0]["command"] = ["sh"]
    (fault,) = faults(RULES.validate_update(new, old, ""))
    assert fault.startswith("spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,")
    assert '+   "Command": [' in fault


def test_tolerations_may_be_added_only():
    first = [{"key": "a", "operator": "Exists"}]
    old, new = made(tolerations=first), made(tolerations=[*first, {"key": "b", "operator": "Exists"}])
    assert faults(RULES.validate_update(new, old, "")) == []
    assert faults(RULES.validate_update(old, new, "")) == [
        "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds"
    ]


def test_a_main_write_keeps_the_status_and_a_status_write_the_spec():
    old = made()
    new = copy.deepcopy(old)
    new["status"]["phase"], new["spec"]["nodeName"] = "Running", "n1"
    main, status = copy.deepcopy(new), copy.deepcopy(new)
    RULES.prepare_update(main, old, "", CONTEXT)
    RULES.prepare_update(status, old, "status", CONTEXT)
    assert main["status"]["phase"] == "Pending" and main["spec"]["nodeName"] == "n1"
    assert status["status"]["phase"] == "Running" and "nodeName" not in status["spec"]


def test_ephemeral_containers_change_by_their_own_road_only():
    old = made()
    new = copy.deepcopy(old)
    new["spec"]["ephemeralContainers"] = [{"name": "dbg", "image": "busybox"}]
    new["spec"]["containers"][0]["image"] = "other"
    RULES.default(new)
    RULES.prepare_update(new, old, "ephemeralcontainers", CONTEXT)
    assert new["spec"]["containers"][0]["image"] == "nginx"
    assert [c["name"] for c in new["spec"]["ephemeralContainers"]] == ["dbg"]
    assert faults(RULES.validate_update(new, old, "ephemeralcontainers")) == []
    assert faults(RULES.validate_update(old, new, "ephemeralcontainers")) == [
        'spec.ephemeralContainers: Forbidden: existing ephemeral containers "dbg" may not be removed\n'
    ]


def test_a_terminated_container_does_not_run_again_if_never_restarted():
    old, new = made(restartPolicy="Never"), made(restartPolicy="Never")
    old["status"]["containerStatuses"] = [{"name": "web", "state": {"terminated": {"exitCode": 1}}}]
    new["status"]["containerStatuses"] = [{"name": "web", "state": {"running": {}}}]
    assert faults(RULES.validate_update(new, old, "status")) == [
        "status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state"
    ]


def test_a_gated_pod_says_so():
    obj = made(schedulingGates=[{"name": "example.com/wait"}])
    assert obj["status"]["conditions"][0]["reason"] == "SchedulingGated"
    assert RULES.cells(obj, 0)[2] == "SchedulingGated"


def test_a_name_that_is_no_host_name_is_warned_of():
    obj = made()
    obj["metadata"]["name"] = "a.b"
    (warning,) = RULES.warnings(obj, None)
    assert warning == (
        "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is"
        " recommended: [must not contain dots]"
    )


def test_duplicate_environment_variables_are_warned_of():
    env = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    obj = made(containers=[{"name": "a", "image": "i", "env": env}])
    assert RULES.warnings(obj, None) == [
        'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply'
    ]
