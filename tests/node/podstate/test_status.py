import pytest
from msgspec.structs import replace

from corral.node.podstate.containers import go_duration
from corral.node.podstate.observed import BACKOFF_ANNOTATION, Halt, ProbeResults, StartFailure
from corral.node.podstate.status import status
from corral.testing.objects import NOW_S, ago
from corral.testing.podstate import container, found, new_pod, observed, sandbox

HOSTS = ("192.0.2.1",)
PROBE = {"exec": {"command": ["true"]}}


def made(pod, state, *, now_s=NOW_S, stopped=False):
    return status(pod, state, now_s, HOSTS, stopped=stopped)


def condition(result, kind):
    return next(c for c in result["conditions"] if c["type"] == kind)


def test_a_pod_that_was_just_seen():
    result = made(new_pod(), observed(sandboxes=()))
    assert result["phase"] == "Pending"
    assert result["hostIPs"] == [{"ip": "192.0.2.1"}]
    assert "podIP" not in result
    assert result["startTime"] == ago(10)
    assert result["containerStatuses"][0]["state"] == {"waiting": {"reason": "ContainerCreating"}}
    values = {c["type"]: c["status"] for c in result["conditions"]}
    assert values == {
        "PodReadyToStartContainers": "False",
        "Initialized": "True",
        "Ready": "False",
        "ContainersReady": "False",
        "PodScheduled": "True",
    }


def test_a_running_pod():
    result = made(new_pod(), observed(found("c")))
    assert result["phase"] == "Running"
    assert result["podIPs"] == [{"ip": "10.0.0.5"}]
    assert condition(result, "Ready") == {
        "type": "Ready",
        "observedGeneration": 1,
        "status": "True",
        "lastProbeTime": None,
        "lastTransitionTime": ago(0),
    }
    (container_status,) = result["containerStatuses"]
    assert container_status["containerID"] == "containerd://c-0"
    assert container_status["ready"]
    assert container_status["started"]
    assert container_status["state"] == {"running": {"startedAt": ago(5)}}


def test_times_stay_while_a_condition_keeps_its_status():
    first = made(new_pod(), observed(found("c")))
    again = made(new_pod(status=first), observed(found("c")), now_s=NOW_S + 100)
    assert again == first


def test_conditions_of_others_are_kept():
    other = {"type": "DisruptionTarget", "status": "True", "lastTransitionTime": ago(1)}
    result = made(new_pod(status={"conditions": [other]}), observed(found("c")))
    assert result["conditions"][-1] == other


def test_readiness_follows_the_probe():
    pod = new_pod(container("c", readinessProbe=PROBE))
    unready = made(pod, observed(found("c")))
    assert condition(unready, "Ready")["message"] == "containers with unready status: [c]"
    assert condition(unready, "Ready")["reason"] == "ContainersNotReady"
    ready = made(pod, observed(found("c"), probes={"c-0": ProbeResults(readiness=True)}))
    assert condition(ready, "Ready")["status"] == "True"


def test_a_container_with_a_startup_probe_or_hook_has_not_started_before_it_succeeds():
    pod = new_pod(container("c", startupProbe=PROBE))
    assert not made(pod, observed(found("c")))["containerStatuses"][0]["started"]
    assert not made(new_pod(), observed(found("c"), hooks_running=frozenset(["c-0"])))["containerStatuses"][0]["started"]


def test_readiness_gates():
    pod = new_pod(readinessGates=[{"conditionType": "example.com/lb"}])
    ready = condition(made(pod, observed(found("c"))), "Ready")
    assert ready["reason"] == "ReadinessGatesNotReady"
    assert ready["message"] == 'corresponding condition of pod readiness gate "example.com/lb" does not exist.'
    gate = {"type": "example.com/lb", "status": "True"}
    assert condition(made(pod | {"status": {"conditions": [gate]}}, observed(found("c"))), "Ready")["status"] == "True"


class TestPhase:
    @pytest.mark.parametrize(
        ("policy", "exits", "phase"),
        [
            ("Always", [0], "Running"),
            ("OnFailure", [0, 0], "Succeeded"),
            ("OnFailure", [0, 1], "Running"),
            ("Never", [0, 1], "Failed"),
            ("Never", [0, 0], "Succeeded"),
        ],
    )
    def test_of_containers_that_have_ended(self, policy, exits, phase):
        names = [f"c{i}" for i in range(len(exits))]
        pod = new_pod(*(container(n) for n in names), restartPolicy=policy)
        ended = [found(n, "exited", exit_code=code) for n, code in zip(names, exits, strict=True)]
        assert made(pod, observed(*ended))["phase"] == phase

    def test_pending_until_every_container_has_begun(self):
        assert made(new_pod(container("a"), container("b")), observed(found("a")))["phase"] == "Pending"

    def test_pending_while_init_containers_run(self):
        pod = new_pod(initContainers=[container("i")])
        result = made(pod, observed(found("i")))
        assert result["phase"] == "Pending"
        assert condition(result, "Initialized")["message"] == "containers with incomplete status: [i]"
        assert result["containerStatuses"][0]["state"]["waiting"]["reason"] == "PodInitializing"

    def test_failed_when_an_init_container_fails_for_good(self):
        pod = new_pod(initContainers=[container("i")], restartPolicy="Never")
        assert made(pod, observed(found("i", "exited", exit_code=1)))["phase"] == "Failed"

    def test_no_end_is_told_while_a_sidecar_still_runs(self):
        pod = new_pod(initContainers=[container("side", restartPolicy="Always")], restartPolicy="Never")
        state = observed(found("side"), found("c", "exited"))
        assert made(pod, state)["phase"] == "Running"
        ended = observed(found("side", "exited"), found("c", "exited"))
        assert made(pod, ended, stopped=True)["phase"] == "Succeeded"

    def test_a_sidecar_of_a_pod_that_ends_does_not_wait_to_come_again(self):
        side = container("side", restartPolicy="Always")
        pod = new_pod(initContainers=[side], restartPolicy="Never")
        state = observed(
            replace(found("side", "exited", exit_code=137), annotations={BACKOFF_ANNOTATION: "10"}), found("c", "exited")
        )
        assert "waiting" in made(pod, state)["initContainerStatuses"][0]["state"]
        assert "terminated" in made(pod, replace(state, ending=True))["initContainerStatuses"][0]["state"]

    def test_a_deleted_pod_ends_by_its_exit_codes(self):
        pod = new_pod(meta={"deletionTimestamp": ago(0)})
        assert made(pod, observed(found("c", "exited")), stopped=True)["phase"] == "Succeeded"
        assert made(pod, observed(found("c", "exited", exit_code=137)), stopped=True)["phase"] == "Failed"

    def test_an_end_is_final(self):
        assert made(new_pod(status={"phase": "Failed"}), observed(found("c")))["phase"] == "Failed"

    def test_a_deadline_fails_the_pod_and_says_why(self):
        result = made(new_pod(), observed(found("c"), halt=Halt("DeadlineExceeded", "too long")), stopped=True)
        assert (result["phase"], result["reason"], result["message"]) == ("Failed", "DeadlineExceeded", "too long")

    def test_a_pod_that_the_node_refused_has_no_containers(self):
        result = made(new_pod(), observed(sandboxes=(), halt=Halt("OutOfcpu", "no room", refused=True)), stopped=True)
        assert (result["phase"], result["reason"], result["message"]) == ("Failed", "OutOfcpu", "no room")
        assert "containerStatuses" not in result


class TestContainer:
    def test_crash_loop(self):
        state = observed(
            found("c", "exited", attempt=3, exit_code=1, backoff_s=160, message="bye"), found("c", "exited", attempt=2)
        )
        (result,) = made(new_pod(), state)["containerStatuses"]
        assert result["restartCount"] == 3
        assert result["state"]["waiting"] == {
            "reason": "CrashLoopBackOff",
            "message": "back-off 2m40s restarting failed container=c pod=web_default(u1)",
        }
        assert result["lastState"]["terminated"]["message"] == "bye"

    def test_the_first_end_shows_until_the_restart(self):
        (result,) = made(new_pod(), observed(found("c", "exited", exit_code=2)))["containerStatuses"]
        assert result["state"]["terminated"]["exitCode"] == 2
        assert result["lastState"] == {}

    def test_a_restarted_container_remembers_its_last_end(self):
        state = observed(found("c", attempt=1), found("c", "exited", exit_code=9))
        (result,) = made(new_pod(), state)["containerStatuses"]
        assert "running" in result["state"]
        assert result["lastState"]["terminated"]["exitCode"] == 9

    def test_why_it_cannot_be_made(self):
        failures = {"c": StartFailure("ErrImagePull", "not found", 0)}
        (result,) = made(new_pod(), observed(failures=failures))["containerStatuses"]
        assert result["state"] == {"waiting": {"reason": "ErrImagePull", "message": "not found"}}

    def test_a_container_that_never_ran_in_a_pod_that_ended(self):
        (result,) = made(new_pod(), observed(sandboxes=()), stopped=True)["containerStatuses"]
        assert result["state"]["terminated"]["reason"] == "ContainerStatusUnknown"

    def test_where_an_init_container_failed_the_others_still_wait_when_the_pod_has_ended(self):
        pod = new_pod(container("c"), initContainers=[container("i"), container("j"), container("k")], restartPolicy="Never")
        result = made(pod, observed(found("i", "exited"), found("j", "exited", exit_code=1)), stopped=True)
        waiting = {"waiting": {"reason": "PodInitializing"}}
        assert result["containerStatuses"][0]["state"] == result["initContainerStatuses"][2]["state"] == waiting
        assert "ContainerStatusUnknown" not in str(result)

    def test_where_nothing_was_begun_the_first_has_failed(self):
        pod = new_pod(container("c"), initContainers=[container("i"), container("j")])
        result = made(pod, observed(sandboxes=()), stopped=True)
        first, second = result["initContainerStatuses"]
        assert first["state"]["terminated"]["reason"] == "ContainerStatusUnknown"
        assert second["state"] == result["containerStatuses"][0]["state"] == {"waiting": {"reason": "PodInitializing"}}

    def test_what_the_runtime_forgot_the_api_remembers(self):
        kept = {"name": "c", "containerID": "containerd://x", "state": {"terminated": {"exitCode": 3}}, "lastState": {}}
        pod = new_pod(status={"phase": "Failed", "containerStatuses": [kept]})
        (result,) = made(pod, observed(sandboxes=()), stopped=True)["containerStatuses"]
        assert result["state"] == kept["state"]

    def test_one_that_is_being_replaced_has_not_ended(self):
        state = observed(replace(found("c", "exited"), replaced=True))
        result = made(new_pod(restartPolicy="Never"), state)
        assert result["phase"] == "Running"
        assert result["containerStatuses"][0]["state"] == {"waiting": {"reason": "ContainerCreating"}}

    def test_resources_are_those_in_force(self):
        asked = container("c", resources={"requests": {"cpu": "200m"}, "limits": {"cpu": "2"}})
        old = {"requests": {"cpu": "100m"}, "limits": {"cpu": "1"}}
        result = made(new_pod(asked), observed(found("c"), resources={"c-0": old}))["containerStatuses"][0]
        assert (result["resources"], result["allocatedResources"]) == (old, {"cpu": "200m"})

    @pytest.mark.parametrize(("can", "made_so"), [(True, "Enabled"), (False, "Disabled")])
    def test_what_is_mounted_below_is_read_only_where_that_is_possible(self, can, made_so):
        mount = {"name": "v", "mountPath": "/v", "readOnly": True, "recursiveReadOnly": "IfPossible"}
        state = replace(observed(found("c")), read_only_below=can)
        (status,) = made(new_pod(container("c", volumeMounts=[mount])), state)["containerStatuses"]
        assert status["volumeMounts"][0]["recursiveReadOnly"] == made_so

    def test_resources_and_mounts(self):
        spec = container(
            "c",
            resources={"requests": {"cpu": "100m"}, "limits": {"cpu": "1"}},
            volumeMounts=[{"name": "v", "mountPath": "/v", "readOnly": True}],
        )
        (result,) = made(new_pod(spec), observed(found("c")))["containerStatuses"]
        assert result["allocatedResources"] == {"cpu": "100m"}
        assert result["resources"] == {"requests": {"cpu": "100m"}, "limits": {"cpu": "1"}}
        assert result["volumeMounts"] == [{"name": "v", "mountPath": "/v", "readOnly": True, "recursiveReadOnly": "Disabled"}]

    def test_statuses_are_sorted_by_name_and_init_containers_by_order(self):
        pod = new_pod(container("b"), container("a"), initContainers=[container("z"), container("y")])
        result = made(pod, observed())
        assert [c["name"] for c in result["containerStatuses"]] == ["a", "b"]
        assert [c["name"] for c in result["initContainerStatuses"]] == ["z", "y"]


def test_a_pod_on_the_hosts_network_has_the_hosts_address():
    result = made(new_pod(hostNetwork=True), observed(found("c"), sandboxes=(sandbox(ips=()),)))
    assert result["podIP"] == "192.0.2.1"


@pytest.mark.parametrize(("seconds", "text"), [(10, "10s"), (80, "1m20s"), (300, "5m0s"), (3700, "1h1m40s")])
def test_durations_are_written_as_in_go(seconds, text):
    assert go_duration(seconds) == text
