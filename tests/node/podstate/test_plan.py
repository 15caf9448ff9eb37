import pytest
from msgspec.structs import replace

from corral.api.hostports import HostPort
from corral.api.podresources import amounts
from corral.node.podstate.observed import HASH_ANNOTATION, Halt, ProbeResults, Room, StartFailure
from corral.node.podstate.plan import Start, plan
from corral.node.podstate.spechash import spec_hash
from corral.testing.objects import NOW_S, ago
from corral.testing.podstate import container, found, new_pod, observed, sandbox

PROBE = {"exec": {"command": ["true"]}}


def starts(pod, state, now_s=NOW_S):
    return [s.name for s in plan(pod, state, now_s).starts]


def test_a_new_pod_gets_a_sandbox_first():
    made = plan(new_pod(), observed(sandboxes=()), NOW_S)
    assert made.sandbox_attempt == 0
    assert made.starts == ()


def test_in_a_ready_sandbox_all_containers_start_in_order():
    assert starts(new_pod(container("b"), container("a")), observed()) == ["b", "a"]


def test_nothing_new_is_started_while_a_start_is_under_way():
    assert plan(new_pod(), observed(sandboxes=(), busy=True), NOW_S).sandbox_attempt is None
    assert starts(new_pod(), observed(busy=True)) == []


def test_a_running_pod_needs_nothing():
    made = plan(new_pod(), observed(found("c")), NOW_S)
    assert made == type(made)()


def test_a_sandbox_that_went_is_made_again_and_what_still_runs_in_it_is_stopped():
    made = plan(new_pod(), observed(found("c"), sandboxes=(sandbox(2, ready=False),)), NOW_S)
    assert made.sandbox_attempt == 3
    assert [k.name for k in made.kills] == ["c"]


def test_a_sandbox_without_address_is_made_again():
    assert plan(new_pod(), observed(sandboxes=(sandbox(ips=()),)), NOW_S).sandbox_attempt == 1


def test_a_pod_that_never_restarts_ends_with_its_sandbox():
    pod = new_pod(restartPolicy="Never")
    assert plan(pod, observed(found("c"), sandboxes=(sandbox(ready=False),)), NOW_S).terminate


def test_containers_of_an_old_sandbox_are_started_anew_unless_they_had_succeeded():
    pod = new_pod(container("done"), container("again"), restartPolicy="OnFailure")
    old = (found("done", "exited"), found("again", "exited", exit_code=1))
    state = observed(*old, sandboxes=(sandbox(1), sandbox(0, ready=False)), sandbox_of={"done-0": "s0", "again-0": "s0"})
    assert starts(pod, state) == ["again"]


def test_a_container_that_is_replaced_comes_again_whatever_the_policy_and_without_waiting():
    gone = replace(found("c", "exited", ended_ago_s=0, backoff_s=40), replaced=True)
    made = plan(new_pod(restartPolicy="Never"), observed(gone), NOW_S)
    assert made.starts == (Start("c", 1, 0.0),)


class TestInitContainers:
    pod = new_pod(initContainers=[container("i1"), container("i2")])

    def test_they_start_one_by_one(self):
        assert starts(self.pod, observed()) == ["i1"]
        assert starts(self.pod, observed(found("i1"))) == []
        assert starts(self.pod, observed(found("i1", "exited"))) == ["i2"]

    def test_the_main_containers_follow_when_all_have_succeeded(self):
        assert starts(self.pod, observed(found("i1", "exited"), found("i2", "exited"))) == ["c"]

    def test_one_that_failed_is_tried_again_after_its_backoff(self):
        failed = found("i1", "exited", exit_code=1, ended_ago_s=4, backoff_s=10)
        made = plan(self.pod, observed(failed), NOW_S)
        assert made.starts == ()
        assert made.look_again_s == NOW_S + 6
        assert starts(self.pod, observed(failed), NOW_S + 6) == ["i1"]

    def test_a_failure_ends_a_pod_that_never_restarts(self):
        pod = self.pod | {"spec": self.pod["spec"] | {"restartPolicy": "Never"}}
        assert plan(pod, observed(found("i1", "exited", exit_code=1)), NOW_S).terminate

    def test_they_do_not_come_again_once_the_main_containers_have_begun(self):
        assert starts(self.pod, observed(found("c"))) == []


class TestSidecars:
    side = container("side", restartPolicy="Always")

    def test_the_next_waits_until_it_has_started(self):
        pod = new_pod(initContainers=[self.side | {"startupProbe": PROBE}, container("i2")])
        assert starts(pod, observed(found("side"))) == []
        ready = {"side-0": ProbeResults(startup=True)}
        assert starts(pod, observed(found("side"), probes=ready)) == ["i2"]

    def test_it_comes_again_whatever_its_exit_and_the_pods_policy(self):
        pod = new_pod(initContainers=[self.side], restartPolicy="Never")
        assert starts(pod, observed(found("c"), found("side", "exited"))) == ["side"]

    def test_it_does_not_keep_a_finished_pod_alive(self):
        pod = new_pod(initContainers=[self.side], restartPolicy="Never")
        assert plan(pod, observed(found("side"), found("c", "exited")), NOW_S).terminate


class TestRestarts:
    def test_always_restarts_a_success_too(self):
        assert starts(new_pod(), observed(found("c", "exited"))) == ["c"]

    def test_on_failure_restarts_only_failures(self):
        pod = new_pod(container("a"), container("b"), restartPolicy="OnFailure")
        assert starts(pod, observed(found("a", "exited"), found("b", "exited", exit_code=2))) == ["b"]

    def test_a_pod_whose_containers_all_ended_for_good_is_over(self):
        assert plan(new_pod(restartPolicy="OnFailure"), observed(found("c", "exited")), NOW_S).terminate
        assert plan(new_pod(restartPolicy="Never"), observed(found("c", "exited", exit_code=1)), NOW_S).terminate

    def test_the_delay_is_nothing_then_ten_seconds_doubling_to_five_minutes(self):
        delays, last = [], found("c", "exited")
        for attempt in range(8):
            start = plan(new_pod(), observed(last), NOW_S + 1000).starts[0]
            assert start.attempt == attempt + 1
            delays.append(start.backoff_s)
            last = found("c", "exited", attempt=start.attempt, backoff_s=start.backoff_s)
        assert delays == [10, 20, 40, 80, 160, 300, 300, 300]

    def test_ten_minutes_of_running_are_forgiven(self):
        last = found("c", "exited", ran_s=601, backoff_s=300)
        assert plan(new_pod(), observed(last), NOW_S).starts == (Start("c", 1, 10),)

    def test_a_container_that_could_not_be_started_waits_like_one_that_crashed(self):
        never_ran = found("c", "exited", ran_s=0, exit_code=128, backoff_s=10)
        never_ran = type(never_ran)(**{f: getattr(never_ran, f) for f in never_ran.__slots__} | {"started_s": 0.0})
        assert plan(new_pod(), observed(never_ran), NOW_S).look_again_s == NOW_S + 9

    def test_a_failed_start_is_tried_again_when_it_is_due(self):
        failures = {"c": StartFailure("ErrImagePull", "no", NOW_S + 5)}
        made = plan(new_pod(), observed(failures=failures), NOW_S)
        assert (made.starts, made.look_again_s) == ((), NOW_S + 5)

    def test_a_container_may_have_a_policy_and_rules_of_its_own(self):
        rules = [{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}]
        pod = new_pod(container("c", restartPolicy="Never", restartPolicyRules=rules))
        assert starts(pod, observed(found("c", "exited", exit_code=42))) == ["c"]
        assert plan(pod, observed(found("c", "exited", exit_code=1)), NOW_S).terminate


class TestKills:
    def test_a_container_that_is_not_alive(self):
        state = observed(found("c"), probes={"c-0": ProbeResults(liveness=False)})
        (kill,) = plan(new_pod(), state, NOW_S).kills
        assert kill.message == "Container c failed liveness probe, will be restarted"
        assert kill.probe == "liveness"

    def test_a_container_that_did_not_start_in_time(self):
        state = observed(found("c"), probes={"c-0": ProbeResults(startup=False)})
        assert plan(new_pod(restartPolicy="Never"), state, NOW_S).kills[0].message == "Container c failed startup probe"

    def test_a_container_whose_image_was_changed(self):
        pod = new_pod(container("c", image="corral.local/busybox:2"))
        assert plan(pod, observed(found("c")), NOW_S).kills[0].message == "Container c definition changed, will be restarted"

    def test_not_being_ready_kills_nobody(self):
        state = observed(found("c"), probes={"c-0": ProbeResults(readiness=False)})
        assert plan(new_pod(), state, NOW_S).kills == ()


class TestEnds:
    def test_a_deleted_pod_ends(self):
        assert plan(new_pod(meta={"deletionTimestamp": ago(0)}), observed(found("c")), NOW_S).terminate

    def test_a_pod_that_has_ended_is_not_begun_again(self):
        assert plan(new_pod(status={"phase": "Failed"}), observed(sandboxes=()), NOW_S).terminate

    def test_a_pod_that_was_stopped_for_good_stays_so(self):
        assert plan(new_pod(), observed(found("c"), halt=Halt("Evicted", "")), NOW_S).terminate

    def test_the_deadline_counts_from_the_start_time(self):
        pod = new_pod(activeDeadlineSeconds=60, status={"phase": "Running", "startTime": ago(50)})
        assert plan(pod, observed(found("c")), NOW_S).look_again_s == NOW_S + 10
        made = plan(pod, observed(found("c")), NOW_S + 10)
        assert made.terminate
        assert made.halt is not None
        assert made.halt.reason == "DeadlineExceeded"


def test_a_sidecar_does_not_come_again_once_the_work_is_done():
    pod = new_pod(initContainers=[container("s", restartPolicy="Always")], restartPolicy="Never")
    made = plan(pod, observed(found("c", "exited"), found("s", "exited")), NOW_S)
    assert (made.terminate, made.starts) == (True, ())


class TestSysctls:
    @staticmethod
    def halt(name, state, **spec):
        pod = new_pod(securityContext={"sysctls": [{"name": name, "value": "1"}]}, **spec)
        return plan(pod, state, NOW_S).halt

    def test_those_that_could_harm_others_are_refused(self):
        refused = self.halt("kernel.msgmax", observed(sandboxes=()))
        assert refused is not None
        assert (refused.reason, refused.event_type) == ("SysctlForbidden", "Warning")
        assert refused.message == 'Pod was rejected: forbidden sysctl: "kernel.msgmax" not allowlisted'

    def test_the_safe_ones_are_taken_in_either_spelling(self):
        assert self.halt("kernel.shm_rmid_forced", observed(sandboxes=())) is None
        assert self.halt("net/ipv4/tcp_syncookies", observed(sandboxes=())) is None

    def test_none_of_a_namespace_that_is_the_hosts(self):
        assert self.halt("net.ipv4.tcp_syncookies", observed(sandboxes=()), hostNetwork=True) is not None
        assert self.halt("kernel.shm_rmid_forced", observed(sandboxes=()), hostIPC=True) is not None

    def test_a_pod_that_runs_already_stays(self):
        assert self.halt("kernel.msgmax", observed(found("c"))) is None


@pytest.mark.parametrize(
    ("policy", "strict", "refused"), [("Strict", False, True), ("Strict", True, False), ("Merge", False, False)]
)
def test_a_pods_groups_are_not_added_to_in_silence(policy, strict, refused):
    pod = new_pod(securityContext={"supplementalGroupsPolicy": policy})
    room = Room(amounts({"pods": "10"}), amounts({}), strict_groups=strict)
    halt = plan(pod, observed(sandboxes=(), room=room), NOW_S).halt
    assert (halt is not None) == refused
    if halt is not None:
        assert halt.reason == "SupplementalGroupsPolicyNotSupported"
        assert halt.message == "Pod was rejected: SupplementalGroupsPolicy=Strict is not supported in this node"


class TestRoom:
    room = Room(amounts({"cpu": "2", "memory": "1Gi", "pods": "10"}), amounts({"cpu": "1500m", "pods": "3"}))

    def halt(self, room, **resources):
        pod = new_pod(container("c", resources={"requests": resources}))
        return plan(pod, observed(sandboxes=(), room=room), NOW_S).halt

    def test_a_pod_that_fits_is_taken(self):
        assert self.halt(self.room, cpu="500m", memory="1Gi") is None

    def test_a_pod_that_does_not_fit_is_refused_and_told_why(self):
        refused = self.halt(self.room, cpu="501m")
        assert refused is not None
        numbers = "requested: 501, used: 1500, capacity: 2000"
        assert refused.message == f"Pod was rejected: Node didn't have enough resource: cpu, {numbers}"
        assert (refused.reason, refused.refused) == ("OutOfcpu", True)

    def test_a_resource_that_the_node_has_too_little_of_is_refused(self):
        room = Room(amounts({"pods": "10", "example.com/gpu": "1"}), {})
        assert self.halt(room, **{"example.com/gpu": "1"}) is None
        assert self.halt(room, **{"example.com/gpu": "2"}).reason == "OutOfexample.com/gpu"
        assert self.halt(room, **{"hugepages-2Mi": "2Mi"}).reason == "OutOfhugepages-2Mi"

    def test_a_resource_that_only_the_api_knows_is_not_the_nodes_business(self):
        assert self.halt(self.room, **{"example.com/gpu": "1"}) is None

    def test_a_port_of_the_node_is_taken_once(self):
        room = Room(self.room.allocatable, {}, [HostPort("127.0.0.1", "TCP", 21017)])

        def refused(port, **more):
            ports = [{"containerPort": 80, "hostPort": port, **more}]
            return plan(new_pod(container("c", ports=ports)), observed(sandboxes=(), room=room), NOW_S).halt

        assert refused(21017, protocol="UDP") is None and refused(21018) is None
        assert refused(21017, hostIP="127.0.0.2") is None
        message = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
        assert (refused(21017).reason, refused(21017).message) == ("NodePorts", f"Pod was rejected: {message}")

    def test_there_are_never_more_pods_than_the_node_takes(self):
        full = Room(self.room.allocatable, amounts({"pods": "10"}))
        assert self.halt(full).reason == "OutOfpods"

    def test_a_pod_that_has_its_place_is_not_asked_again(self):
        assert self.halt(None, cpu="100") is None


class TestResize:
    @staticmethod
    def sized(cpu, memory):
        limits = {"cpu": cpu, "memory": memory}
        policy = [{"resourceName": "cpu", "restartPolicy": "NotRequired"}]
        return container(
            "c",
            resources={"limits": limits},
            resizePolicy=[*policy, {"resourceName": "memory", "restartPolicy": "RestartContainer"}],
        )

    def kills(self, before, after):
        made_from = replace(found("c"), annotations={HASH_ANNOTATION: spec_hash(before)})
        return [k.name for k in plan(new_pod(after), observed(made_from), NOW_S).kills]

    def test_a_resource_that_needs_a_restart_gets_one(self):
        assert self.kills(self.sized("1", "64Mi"), self.sized("1", "128Mi")) == ["c"]

    def test_the_others_change_in_place(self):
        assert self.kills(self.sized("1", "64Mi"), self.sized("2", "64Mi")) == []

    def test_the_same_amount_in_other_words_is_no_change(self):
        assert self.kills(self.sized("1", "1Gi"), self.sized("1000m", "1024Mi")) == []


def test_ephemeral_containers_start_once_beside_the_others():
    pod = new_pod(ephemeralContainers=[container("debug")])
    assert starts(pod, observed(found("c"))) == ["debug"]
    assert starts(pod, observed(found("c"), found("debug", "exited", exit_code=1))) == []


class TestNode:
    """A pod that names its node passes by the scheduler, not by what it says of where it belongs."""

    def halt(self, node=None, *, meta=None, **spec):
        pod = new_pod(container("c"), **spec)
        pod["metadata"] |= meta or {}
        room = Room(amounts({"pods": "10"}), {}, node=node)
        found = plan(pod, observed(sandboxes=(), room=room), NOW_S).halt
        assert found is None or (found.refused and found.event_type == "Warning")
        return found and (found.reason, found.message.removeprefix("Pod was rejected: "))

    def node(self, taints=(), **labels):
        return {"metadata": {"name": "n1", "labels": labels}, "spec": {"taints": list(taints)}}

    def test_one_that_belongs_on_another_node_is_refused(self):
        refused = ("NodeAffinity", "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector")
        here = self.node(zone="a")
        assert self.halt(here, nodeSelector={"zone": "a"}) is None
        assert self.halt(here, nodeSelector={"zone": "b"}) == refused
        for field, values, expected in (("metadata.name", ["n1"], None), ("metadata.name", ["n2"], refused)):
            term = {"matchFields": [{"key": field, "operator": "In", "values": values}]}
            required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
            assert self.halt(here, affinity={"nodeAffinity": required}) == expected
        weighed = {"weight": 1, "preference": {"matchExpressions": [{"key": "zone", "operator": "DoesNotExist"}]}}
        assert (
            self.halt(here, affinity={"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [weighed]}}) is None
        )

    def test_one_that_a_taint_would_drive_out_is_refused(self):
        message = "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate"
        taint = {"key": "maintenance", "effect": "NoExecute"}
        assert self.halt(self.node([taint])) == ("TaintToleration", message)
        tolerated = [{"key": "maintenance", "operator": "Exists", "tolerationSeconds": 5}]
        assert self.halt(self.node([taint]), tolerations=tolerated) is None

    @pytest.mark.parametrize("effect", ["NoSchedule", "PreferNoSchedule"])
    def test_taints_for_the_scheduler_are_its_own(self, effect):
        assert self.halt(self.node([{"key": "k", "effect": effect}])) is None

    def test_one_of_another_system_is_refused(self):
        assert self.halt(os={"name": "linux"}, meta={"labels": {"kubernetes.io/os": "linux"}}) is None
        message = "Failed to admit pod as the OS field doesn't match node OS"
        assert self.halt(os={"name": "windows"}) == ("PodOSNotSupported", message)
        message = "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label"
        refused = ("PodOSSelectorNodeLabelDoesNotMatch", message)
        assert self.halt(meta={"labels": {"kubernetes.io/os": "windows"}}) == refused

    def test_of_a_node_that_is_not_known_nothing_is_said(self):
        assert self.halt(None, nodeSelector={"zone": "b"}) is None

    def test_one_that_has_its_place_keeps_it(self):
        pod = new_pod(container("c"), nodeSelector={"zone": "b"})
        assert plan(pod, observed(sandboxes=()), NOW_S).halt is None
