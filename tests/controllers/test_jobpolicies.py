"""Which failures of a Job's pods count, which indexes are given up, which successes are enough."""

import pytest
from tests.controllers.test_job import conditions, job, run

from corral.controllers.job import plan, pod_of
from corral.controllers.jobpolicies import FAILURES_KEY, IGNORED_KEY, enough, verdict
from corral.testing.objects import NOW_S, ago


def failed(name, code=1, *, seconds_ago=0, failures=None, condition="", **more):
    pod = run(name, "Failed", **more)
    pod["metadata"]["namespace"] = "default"
    state = {"terminated": {"exitCode": code, "finishedAt": ago(seconds_ago)}}
    pod["status"]["containerStatuses"] = [{"name": "c", "state": state}]
    pod["status"]["conditions"] = [{"type": condition, "status": "True"}] if condition else []
    if failures is not None:
        pod["metadata"]["annotations"][FAILURES_KEY] = str(failures)
    return pod


def policy(*rules):
    return {"podFailurePolicy": {"rules": list(rules)}, "podReplacementPolicy": "Failed"}


def on_exit(action, *codes, operator="In", **more):
    return {"action": action, "onExitCodes": {"operator": operator, "values": list(codes), **more}}


def on_condition(action, type):
    return {"action": action, "onPodConditions": [{"type": type, "status": "True"}]}


@pytest.mark.parametrize(
    ("rule", "code", "action"),
    [
        (on_exit("FailJob", 1, 2), 2, "FailJob"),
        (on_exit("FailJob", 1, 2), 3, ""),
        (on_exit("FailJob", 1, 2, operator="NotIn"), 3, "FailJob"),
        (on_exit("FailJob", 1, operator="NotIn"), 0, ""),  # It has not failed.
        (on_exit("FailJob", 1, containerName="c"), 1, "FailJob"),
        (on_exit("FailJob", 1, containerName="other"), 1, ""),
        (on_condition("Ignore", "DisruptionTarget"), 1, "Ignore"),
        (on_condition("Ignore", "Other"), 1, ""),
    ],
)
def test_rules_match_exit_codes_or_conditions(rule, code, action):
    assert verdict(job(**policy(rule)), failed("a", code, condition="DisruptionTarget")).action == action


def test_the_first_rule_that_matches_counts():
    rules = on_condition("Ignore", "DisruptionTarget"), on_exit("FailJob", 1)
    assert verdict(job(**policy(*rules)), failed("a", condition="DisruptionTarget")).action == "Ignore"


def test_a_failure_can_end_the_job():
    result = plan(job(parallelism=2, completions=4, **policy(on_exit("FailJob", 7))), [failed("a", 7), run("b")], NOW_S)
    assert conditions(result.status) == {"FailureTarget": ("True", "PodFailurePolicy")}
    told = "Container c for pod default/a failed with exit code 7 matching FailJob rule at index 0"
    assert result.status["conditions"][0]["message"] == told
    assert [p["metadata"]["name"] for p in result.delete] == ["b"]


def test_an_ignored_failure_is_let_go_without_being_counted():
    lost = failed("a", condition="DisruptionTarget", seconds_ago=60)
    result = plan(job(backoffLimit=0, **policy(on_condition("Ignore", "DisruptionTarget"))), [lost], NOW_S)
    assert result.status["uncountedTerminatedPods"] == {}
    assert result.uncount == [lost]
    assert result.create == [-1]


INDEXED = {"completionMode": "Indexed", "parallelism": 2, "completions": 3}


def test_an_index_is_tried_again_after_a_pause_and_its_failed_pod_kept_until_then():
    spec = {**INDEXED, "backoffLimitPerIndex": 2}
    pods = [failed("a", index=0, failures=1, seconds_ago=5), run("b", index=1)]
    early = plan(job(**spec), pods, NOW_S)
    assert (early.create, early.uncount, early.again_s) == ([], [], pytest.approx(15))
    assert early.status["uncountedTerminatedPods"] == {} and early.status["failedIndexes"] == ""
    due = plan(job(**spec), pods, NOW_S + 16)
    assert due.create == [0]
    made = pod_of(job(**spec), 0, due.replace[0])
    assert made["metadata"]["annotations"][FAILURES_KEY] == "2"
    after = plan(job(**spec), [*pods, run("c", index=0)], NOW_S + 16)
    assert [p["metadata"]["name"] for p in after.uncount] == ["a"]


def test_ignored_failures_of_an_index_lengthen_the_pause_only():
    spec = {**INDEXED, "backoffLimitPerIndex": 0, **policy(on_condition("Ignore", "DisruptionTarget"))}
    lost = failed("a", index=0, failures=0, condition="DisruptionTarget", seconds_ago=20)
    result = plan(job(**spec), [lost, run("b", index=1)], NOW_S)
    assert result.create == [0] and result.status["failedIndexes"] == ""
    annotations = pod_of(job(**spec), 0, result.replace[0])["metadata"]["annotations"]
    assert (annotations[FAILURES_KEY], annotations[IGNORED_KEY]) == ("0", "1")


def test_a_job_fails_when_every_index_has_ended_and_one_has_failed():
    spec = {**INDEXED, "backoffLimitPerIndex": 0}
    pods = [failed("a", index=0, failures=0), run("b", "Succeeded", index=1), run("c", "Succeeded", index=2)]
    result = plan(job(**spec), pods, NOW_S)
    assert result.status["failedIndexes"] == "0" and result.status["completedIndexes"] == "1,2"
    assert conditions(result.status) == {"FailureTarget": ("True", "FailedIndexes")}


def test_more_failed_indexes_than_may_be_end_the_job():
    spec = {**INDEXED, "backoffLimitPerIndex": 1, "maxFailedIndexes": 0, **policy(on_exit("FailIndex", 1))}
    result = plan(job(**spec), [failed("a", index=1, failures=0), run("b", index=0)], NOW_S)
    assert conditions(result.status) == {"FailureTarget": ("True", "MaxFailedIndexesExceeded")}


def test_pods_that_end_still_keep_their_index():
    spec = {**INDEXED, "parallelism": 3, **policy(on_exit("FailJob", 9))}
    pods = [run("a", index=0, deletionTimestamp=ago(1))]
    assert plan(job(**spec), pods, NOW_S).create == [1, 2]


@pytest.mark.parametrize(
    ("rule", "done", "met"),
    [
        ({"succeededCount": 2}, {0, 4}, True),
        ({"succeededCount": 2}, {4}, False),
        ({"succeededIndexes": "0,2-3"}, {0, 2, 3, 5}, True),
        ({"succeededIndexes": "0,2-3"}, {0, 2}, False),
        ({"succeededIndexes": "0,2-3", "succeededCount": 1}, {3}, True),
        ({"succeededIndexes": "0,2-3", "succeededCount": 1}, {4}, False),
    ],
)
def test_what_is_enough(rule, done, met):
    body = job(successPolicy={"rules": [{"succeededCount": 100}, rule]})
    assert enough(body, done) == ("Matched rules at index 1" if met else "")


def test_success_stops_the_others():
    spec = {**INDEXED, "successPolicy": {"rules": [{"succeededIndexes": "0"}]}}
    first = plan(job(**spec), [run("a", "Succeeded", index=0), run("b", index=1)], NOW_S)
    assert conditions(first.status) == {"SuccessCriteriaMet": ("True", "SuccessPolicy")}
    assert [p["metadata"]["name"] for p in first.delete] == ["b"]
    second = plan(job({**first.status, "uncountedTerminatedPods": {}}, **spec), [], NOW_S)
    assert conditions(second.status)["Complete"] == ("True", "SuccessPolicy")
