"""Jobs: counted once, retried with pauses, ended with a reason; and the schedules of CronJobs."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corral.controllers import cronjob
from corral.controllers.actions import Again, Create, Delete, Note
from corral.controllers.indexes import compact, expand
from corral.controllers.job import FINALIZER, INDEX_KEY, plan, pod_of
from corral.testing.objects import NOW_S, ago, meta, pod


def job(status=None, **spec):
    template = {"metadata": {"labels": {"job-name": "pi"}}, "spec": {"restartPolicy": "Never", "containers": [{"name": "c"}]}}
    return {
        "kind": "Job",
        "apiVersion": "batch/v1",
        "metadata": meta("pi", creationTimestamp=ago(50)),
        "spec": {"parallelism": 1, "completions": 1, "backoffLimit": 6, "template": template, **spec},
        "status": status or {},
    }


def run(name, phase="Running", held=True, index=None, **more):
    finalizers = [FINALIZER] if held else []
    annotations = {INDEX_KEY: str(index)} if index is not None else {}
    return pod(name, phase=phase, finalizers=finalizers, annotations=annotations, **more)


def conditions(status):
    return {c["type"]: (c["status"], c["reason"]) for c in status.get("conditions", ())}


def uids(*pods):
    return [p["metadata"]["uid"] for p in pods]


def test_as_many_run_as_may_and_are_missing():
    assert plan(job(), [], NOW_S).create == [-1]
    assert plan(job(parallelism=5, completions=3), [], NOW_S).create == [-1] * 3
    assert plan(job(parallelism=5, completions=9), [run("a"), run("b")], NOW_S).create == [-1] * 3
    assert len(plan(job(parallelism=1, completions=9), [run("a"), run("b")], NOW_S).delete) == 1


def test_a_pod_is_listed_then_let_go_then_counted():
    done = run("a", "Succeeded", ready_for_s=None)
    first = plan(job(), [done], NOW_S)
    assert first.status["uncountedTerminatedPods"] == {"succeeded": uids(done)}
    assert first.uncount == [done]
    assert "succeeded" not in first.status
    assert first.create == []
    second = plan(job(first.status), [run("a", "Succeeded", held=False)], NOW_S)
    assert second.status["succeeded"] == 1
    assert second.status["uncountedTerminatedPods"] == {}
    third = plan(job(second.status), [], NOW_S)
    assert third.status["succeeded"] == 1, "never twice"


def test_completion_is_told_when_all_is_counted():
    first = plan(job(), [run("a", "Succeeded")], NOW_S)
    assert conditions(first.status) == {"SuccessCriteriaMet": ("True", "CompletionsReached")}
    second = plan(job(first.status), [], NOW_S)
    assert conditions(second.status)["Complete"] == ("True", "CompletionsReached")
    assert second.status["completionTime"]
    assert [note.message for note in second.notes] == ["Job completed"]
    assert plan(job(second.status), [], NOW_S).create == []


def test_too_many_failures_end_it_and_stop_what_runs():
    failed = [run(f"f{i}", "Failed") for i in range(3)]
    first = plan(job(backoffLimit=2, parallelism=2, completions=2), [*failed, run("a")], NOW_S)
    assert conditions(first.status) == {"FailureTarget": ("True", "BackoffLimitExceeded")}
    assert [p["metadata"]["name"] for p in first.delete] == ["a"]
    second = plan(job(first.status, backoffLimit=2), [], NOW_S)
    assert conditions(second.status)["Failed"] == ("True", "BackoffLimitExceeded")
    assert second.status["failed"] == 3


def test_failures_in_a_row_lengthen_the_pause():
    def failed(name, seconds_ago):
        found = run(name, "Failed", age_s=seconds_ago)
        terminated = {"finishedAt": ago(seconds_ago)}
        found["status"]["containerStatuses"] = [{"state": {"terminated": terminated}}]
        return found

    one = plan(job(), [failed("a", 4)], NOW_S)
    assert (one.create, one.again_s) == ([], pytest.approx(6))
    two = plan(job(), [failed("a", 30), failed("b", 4)], NOW_S)
    assert (two.create, two.again_s) == ([], pytest.approx(16))
    assert plan(job(), [failed("a", 11)], NOW_S).create == [-1]


def test_a_deadline_ends_it():
    late = job({"startTime": ago(100)}, activeDeadlineSeconds=60)
    result = plan(late, [run("a")], NOW_S)
    assert conditions(result.status)["FailureTarget"] == ("True", "DeadlineExceeded")
    early = plan(job({"startTime": ago(10)}, activeDeadlineSeconds=60), [run("a")], NOW_S)
    assert early.again_s == pytest.approx(50)


def test_suspension_stops_pods_and_resuming_starts_anew():
    stopped = plan(job({"startTime": ago(10)}, suspend=True), [run("a")], NOW_S)
    assert [p["metadata"]["name"] for p in stopped.delete] == ["a"]
    assert conditions(stopped.status) == {"Suspended": ("True", "JobSuspended")}
    assert "startTime" not in stopped.status
    resumed = plan(job(stopped.status), [], NOW_S)
    assert conditions(resumed.status) == {"Suspended": ("False", "JobResumed")}
    assert resumed.create == [-1]


def test_a_work_queue_is_done_when_one_succeeded_and_the_rest_has_ended():
    queue = job(parallelism=3, completions=None)
    assert plan(queue, [], NOW_S).create == [-1] * 3
    working = plan(queue, [run("a", "Succeeded"), run("b")], NOW_S)
    assert working.create == []
    assert conditions(working.status) == {}
    assert "SuccessCriteriaMet" in conditions(plan(queue, [run("a", "Succeeded"), run("b", "Succeeded")], NOW_S).status)


def test_indexed_pods_fill_the_gaps():
    indexed = job(completionMode="Indexed", parallelism=3, completions=5)
    result = plan(indexed, [run("a", "Succeeded", index=0), run("b", index=2)], NOW_S)
    assert result.create == [1, 3]
    assert (result.status["completedIndexes"], result.status["succeeded"]) == ("0", 1)
    made = pod_of(indexed, 3)
    assert made["metadata"]["generateName"] == "pi-3-"
    assert made["metadata"]["annotations"][INDEX_KEY] == made["metadata"]["labels"][INDEX_KEY] == "3"
    assert made["spec"]["hostname"] == "pi-3"
    assert made["spec"]["containers"][0]["env"][0]["name"] == "JOB_COMPLETION_INDEX"
    assert made["metadata"]["finalizers"] == [FINALIZER]


def test_a_deleted_pod_counts_as_failed_and_is_replaced():
    result = plan(job(), [run("a", deletionTimestamp=ago(1))], NOW_S)
    assert result.status["uncountedTerminatedPods"]["failed"]
    assert result.create == [-1]
    patient = plan(job(podReplacementPolicy="Failed"), [run("a", deletionTimestamp=ago(1))], NOW_S)
    assert patient.create == []


@given(st.sets(st.integers(0, 60)))
def test_indexes_are_read_as_written(numbers):
    assert expand(compact(numbers)) == numbers


def test_indexes_are_written_as_the_reference_does():
    assert compact([1, 3, 4, 5, 7, 8]) == "1,3-5,7,8"


MIDNIGHT_S = datetime(2026, 3, 10, tzinfo=UTC).timestamp()


def cron(schedule="*/10 * * * *", since_s=MIDNIGHT_S, **spec):
    metadata = meta("tick", creationTimestamp=datetime.fromtimestamp(since_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    template = {"spec": job()["spec"]}
    return {
        "kind": "CronJob",
        "apiVersion": "batch/v1",
        "metadata": metadata,
        "spec": {"schedule": schedule, "jobTemplate": template, **spec},
    }


def kinds(actions):
    return [type(a) for a in actions if not isinstance(a, Note)]


def test_a_job_is_made_on_time_and_the_next_time_awaited():
    (again,) = cronjob.plan(cron(), [], MIDNIGHT_S + 60)
    assert again == Again(540)
    actions = cronjob.plan(cron(), [], MIDNIGHT_S + 601)
    (made,) = [a.object for a in actions if isinstance(a, Create)]
    assert made["metadata"]["name"] == f"tick-{int(MIDNIGHT_S + 600) // 60}"
    assert made["metadata"]["annotations"] == {"batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-03-10T00:10:00Z"}
    (update,) = [a.object for a in actions if hasattr(a, "subresource") and not isinstance(a, Create)]
    assert update["status"]["lastScheduleTime"] == "2026-03-10T00:10:00Z"
    assert cronjob.plan(update, [], MIDNIGHT_S + 602) == [Again(598)]


def test_after_a_long_pause_one_job_is_made_for_the_last_time():
    actions = cronjob.plan(cron("* * * * *"), [], MIDNIGHT_S + 400 * 86400 + 30)
    (made,) = [a.object for a in actions if isinstance(a, Create)]
    assert made["metadata"]["name"] == f"tick-{int(MIDNIGHT_S + 400 * 86400) // 60}"
    assert not [a for a in cronjob.plan(cron(startingDeadlineSeconds=20), [], MIDNIGHT_S + 650) if isinstance(a, Create)]


def test_policies_decide_about_a_job_that_still_runs():
    running = job()
    at = MIDNIGHT_S + 601
    assert Create in kinds(cronjob.plan(cron(concurrencyPolicy="Allow"), [running], at))
    assert Create not in kinds(cronjob.plan(cron(concurrencyPolicy="Forbid"), [running], at))
    replaced = kinds(cronjob.plan(cron(concurrencyPolicy="Replace"), [running], at))
    assert replaced.index(Delete) < replaced.index(Create)


def test_suspended_or_unreadable_schedules_make_nothing():
    assert cronjob.plan(cron(suspend=True), [], MIDNIGHT_S + 601) == []
    (note,) = cronjob.plan(cron("nonsense"), [], MIDNIGHT_S + 601)
    assert note.reason == "UnparseableSchedule"


def test_finished_jobs_beyond_the_limits_go_oldest_first():
    def finished(name, type, seconds_ago):
        done = job({"conditions": [{"type": type, "status": "True"}], "startTime": ago(seconds_ago)})
        done["metadata"]["name"] = name
        return done

    jobs = [finished("s1", "Complete", 9), finished("s2", "Complete", 5), finished("f1", "Failed", 7)]
    limited = cron(suspend=True, successfulJobsHistoryLimit=1, failedJobsHistoryLimit=0)
    assert [a.key.name for a in cronjob.plan(limited, jobs, MIDNIGHT_S) if isinstance(a, Delete)] == ["s1", "f1"]


def test_the_time_zone_is_the_schedules():
    actions = cronjob.plan(cron("30 1 * * *", timeZone="Asia/Kolkata"), [], MIDNIGHT_S + 60)
    (again,) = actions
    assert again == Again(20 * 3600 - 60)
