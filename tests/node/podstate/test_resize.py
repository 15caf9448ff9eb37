from corral.api.podresources import amounts
from corral.node.podstate.resize import (
    IN_PROGRESS,
    PENDING,
    Refused,
    ResizeState,
    as_granted,
    asked,
    conditions,
    event,
    granted_before,
    judge,
    same_amounts,
)
from corral.testing.podstate import container, new_pod

NODE = amounts({"cpu": "4", "memory": "8Gi"})
NOW = "2026-01-01T00:00:00Z"


def pod(cpu, memory="1Gi", **more):
    return new_pod(container("c", resources={"requests": {"cpu": cpu, "memory": memory}}), **more)


class TestJudging:
    def test_what_fits_beside_the_others_is_granted(self):
        assert judge(pod("2"), pod("1"), NODE, amounts({"cpu": "2", "memory": "7Gi"})) is None

    def test_what_is_more_than_the_whole_node_is_never_granted(self):
        refused = judge(pod("5"), pod("1"), NODE, {})
        assert refused == Refused("Infeasible", "Node didn't have enough capacity: cpu, requested: 5000, capacity: 4000")

    def test_what_others_have_has_to_be_waited_for(self):
        refused = judge(pod("1", "2Gi"), pod("1"), NODE, amounts({"memory": "7Gi"}))
        numbers = f"requested: {2 << 30}, used: {7 << 30}, capacity: {8 << 30}"
        assert refused == Refused("Deferred", f"Node didn't have enough resource: memory, {numbers}")

    def test_less_is_granted_even_where_the_node_is_overcommitted(self):
        assert judge(pod("1"), pod("2"), NODE, amounts({"cpu": "4"})) is None

    def test_another_class_of_service_is_not_granted(self):
        refused = judge(new_pod(container("c")), pod("1"), NODE, {})
        assert refused is not None and refused.reason == "Infeasible"


class TestGrants:
    def test_a_pod_that_has_what_it_asks_for_is_itself(self):
        one = pod("1")
        assert as_granted(one, asked(one)) is one

    def test_a_pod_as_granted_has_the_old_resources_and_all_else(self):
        wanted = new_pod(container("c", resources={"requests": {"cpu": "2"}}), container("d"), meta={"labels": {"a": "b"}})
        view = as_granted(wanted, {"": {}, "c": {"requests": {"cpu": "1"}}, "d": {}})
        assert [c["resources"] for c in view["spec"]["containers"]] == [{"requests": {"cpu": "1"}}, {}]
        assert view["metadata"] is wanted["metadata"]
        assert wanted["spec"]["containers"][0]["resources"] == {"requests": {"cpu": "2"}}

    def test_after_a_restart_of_the_agent_what_was_refused_is_not_taken_for_granted(self):
        had = {"requests": {"cpu": "1"}}
        pending = {"type": PENDING, "status": "True", "reason": "Deferred"}
        status = {"conditions": [pending], "containerStatuses": [{"name": "c", "resources": had}]}
        assert granted_before(pod("2", status=status))["c"] == had
        assert granted_before(pod("2", status={**status, "conditions": []}))["c"]["requests"]["cpu"] == "2"

    def test_the_same_amount_may_be_written_in_two_ways(self):
        assert same_amounts({"requests": {"cpu": "1", "memory": "1Gi"}}, {"requests": {"memory": "1024Mi", "cpu": "1000m"}})
        assert not same_amounts({"requests": {"cpu": "1"}}, {"limits": {"cpu": "1"}})


class TestConditions:
    def test_there_are_none_without_a_resize(self):
        assert conditions(ResizeState(), 3, [], NOW) == []

    def test_they_tell_what_is_refused_and_what_is_under_way(self):
        state = ResizeState(Refused("Deferred", "no room"), 2, "cannot")
        old = [{"type": PENDING, "lastTransitionTime": "2025-12-31T00:00:00Z"}]
        pending, progress = conditions(state, 3, old, NOW)
        assert (pending["type"], pending["reason"], pending["message"]) == (PENDING, "Deferred", "no room")
        assert (pending["observedGeneration"], pending["lastTransitionTime"]) == (3, "2025-12-31T00:00:00Z")
        assert (progress["type"], progress["reason"], progress["message"]) == (IN_PROGRESS, "Error", "cannot")
        assert (progress["observedGeneration"], progress["lastTransitionTime"]) == (2, NOW)


def test_events_say_which_containers_get_what():
    wanted = pod("2", "1Gi")
    text = event("started", wanted, asked(wanted))
    resources = '{"requests":{"cpu":"2","memory":"1Gi"}}'
    assert text == f'Pod resize started: {{"containers":[{{"name":"c","resources":{resources}}}],"generation":1}}'
