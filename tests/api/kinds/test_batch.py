"""Jobs and CronJobs; schedules."""

import copy
from datetime import UTC, datetime

import pytest

from corral.api.cronschedule import ScheduleError, parse
from corral.api.kinds import rules
from corral.api.kinds.jobpolicy import count_indexes, first_overlap
from corral.api.rules import Context

JOB, CRON = rules("batch", "Job"), rules("batch", "CronJob")


def job(**spec):
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "i"}]}}
    obj = {"metadata": {"name": "j", "namespace": "n", "uid": "u-1"}, "spec": {"template": template, **spec}}
    JOB.default(obj)
    JOB.prepare_create(obj, Context(now_s=0))
    return obj


def cron(**spec):
    template = {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "i"}]}}}}
    obj = {"metadata": {"name": "c", "namespace": "n"}, "spec": {"schedule": "*/5 * * * *", "jobTemplate": template, **spec}}
    CRON.default(obj)
    return obj


def faults(errors):
    return [str(e) for e in errors.items]


def test_a_job_selects_its_pods_by_its_uid():
    obj = job()
    assert obj["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": "u-1"}}
    assert obj["spec"]["template"]["metadata"]["labels"]["job-name"] == "j"
    assert faults(JOB.validate_create(obj)) == []


def test_defaults_of_a_job():
    spec = job()["spec"]
    assert (spec["parallelism"], spec["completions"], spec["backoffLimit"]) == (1, 1, 6)
    assert (spec["completionMode"], spec["suspend"]) == ("NonIndexed", False)
    assert "completions" not in job(parallelism=3)["spec"]


def test_pods_of_a_job_end():
    obj = job()
    obj["spec"]["template"]["spec"]["restartPolicy"] = "Always"
    assert faults(JOB.validate_create(obj)) == [
        'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'
    ]


def test_the_template_of_a_job_stays():
    old = job()
    new = copy.deepcopy(old)
    new["spec"]["template"]["spec"]["containers"][0]["image"] = "other"
    (fault,) = faults(JOB.validate_update(new, old, ""))
    assert fault.startswith("spec.template: Invalid value:") and fault.endswith("field is immutable")


def test_where_a_suspended_job_runs_may_change():
    old = job(suspend=True)
    new = copy.deepcopy(old)
    new["spec"]["template"]["spec"]["nodeSelector"] = {"disk": "ssd"}
    assert faults(JOB.validate_update(new, old, "")) == []


def test_what_a_suspended_job_gets_may_change():
    old = job(suspend=True)
    new = copy.deepcopy(old)
    new["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "4"}}
    new["spec"]["template"]["metadata"]["labels"]["also"] = "mine"
    assert faults(JOB.validate_update(new, old, "")) == []
    new["spec"]["template"]["spec"]["containers"][0]["image"] = "other"
    (fault,) = faults(JOB.validate_update(new, old, ""))
    assert fault.startswith("spec.template.spec: Invalid value:") and fault.endswith("field is immutable")


@pytest.mark.parametrize(
    ("status", "free"),
    [
        ({}, True),
        ({"active": 1}, False),
        ({"startTime": "1970-01-01T00:00:00Z"}, False),
        ({"startTime": "1970-01-01T00:00:00Z", "conditions": [{"type": "Suspended", "status": "True"}]}, True),
    ],
)
def test_a_template_is_free_while_nothing_of_it_runs(status, free):
    old = job(suspend=True)
    old["status"] = status
    new = copy.deepcopy(old)
    new["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "4"}}
    assert (faults(JOB.validate_update(new, old, "")) == []) is free


def test_the_labels_of_a_jobs_pods_stay_its_own():
    old = job(suspend=True)
    new = copy.deepcopy(old)
    del new["spec"]["template"]["metadata"]["labels"]["batch.kubernetes.io/job-name"]
    assert faults(JOB.validate_update(new, old, "")) == [
        "spec.template.metadata.labels[batch.kubernetes.io/job-name]: Required value: must be 'j'"
    ]
    for older in (old, new):
        older["spec"]["template"]["metadata"]["labels"] = {"controller-uid": "u-1", "job-name": "j"}
        older["spec"]["selector"] = {"matchLabels": {"controller-uid": "u-1"}}
    assert faults(JOB.validate_update(new, old, "")) == []


NOW, LATER = "1970-01-01T00:00:00Z", "1970-01-01T00:01:00Z"


def status(*true, **fields):
    return {"conditions": [{"type": t, "status": "True"} for t in true], **fields}


def status_faults(old, new, **spec):
    before, after = job(**spec), job(**spec)
    before["status"], after["status"] = old, new
    return [str(e).split(": ", 1)[0] for e in JOB.validate_update(after, before, "status").items]


@pytest.mark.parametrize(
    ("old", "new", "spec", "paths"),
    [
        ({}, status("Complete", "Failed", startTime=NOW, completionTime=NOW), {}, ["conditions"] * 3),
        (status("Suspended", startTime=NOW), status("Suspended"), {"suspend": True}, []),
        ({"startTime": NOW}, {}, {}, ["startTime"]),
        ({"startTime": NOW}, {"startTime": LATER}, {}, ["startTime"]),
        (
            status("Suspended", startTime=NOW),
            {"startTime": LATER, "conditions": [{"type": "Suspended", "status": "False"}]},
            {},
            [],
        ),
        ({"completionTime": NOW}, {"completionTime": NOW, "active": 1}, {}, []),
        ({}, {"completionTime": NOW}, {}, ["completionTime"]),
        ({"completedIndexes": "0"}, {"completedIndexes": "0", "active": 1}, {}, []),
        ({}, {"completedIndexes": "0"}, {}, ["completedIndexes"]),
        ({"active": 1, "ready": 2}, {"active": 1, "ready": 2, "succeeded": 1}, {}, []),
        ({}, {"active": 1, "ready": 2}, {}, ["ready"]),
        ({"succeeded": 3}, {"succeeded": 1}, {}, ["succeeded"]),
        ({"succeeded": 3}, {"succeeded": 1}, {"completionMode": "Indexed", "completions": 4, "parallelism": 4}, []),
        (
            {"failedIndexes": "0,2", "completedIndexes": "3-4"},
            {"failedIndexes": "0,2", "completedIndexes": "2-4"},
            {"completionMode": "Indexed", "completions": 5, "backoffLimitPerIndex": 1},
            ["failedIndexes"],
        ),
        ({}, status("SuccessCriteriaMet", "Complete", completionTime=NOW), {"suspend": True, "completions": 0}, []),
        ({}, status("SuccessCriteriaMet", "Complete", completionTime=NOW), {}, ["startTime"]),
        (status("Complete"), status("Complete", "SuccessCriteriaMet"), {}, ["conditions"]),
    ],
)
def test_rules_of_a_jobs_status_count_where_something_changes(old, new, spec, paths):
    assert status_faults(old, new, **spec) == [f"status.{path}" for path in paths]


def test_a_job_does_not_become_unfinished():
    old, new = job(), job()
    old["status"] = {
        "startTime": "1970-01-01T00:00:00Z",
        "completionTime": "1970-01-01T00:00:09Z",
        "conditions": [{"type": t, "status": "True"} for t in ("SuccessCriteriaMet", "Complete")],
    }
    new["status"] = {"startTime": "1970-01-01T00:00:00Z"}
    found = faults(JOB.validate_update(new, old, "status"))
    assert "status.conditions: Invalid value: cannot disable the terminal Complete=True condition" in found


def test_row_of_a_finished_job():
    obj = job()
    obj["metadata"]["creationTimestamp"] = "1970-01-01T00:00:00Z"
    obj["status"] = {
        "succeeded": 1,
        "startTime": "1970-01-01T00:00:00Z",
        "completionTime": "1970-01-01T00:00:09Z",
        "conditions": [{"type": "Complete", "status": "True"}],
    }
    assert JOB.cells(obj, 60)[:5] == ["j", "Complete", "1/1", "9s", "60s"]


def test_intervals_of_indexes():
    assert count_indexes("0,2-4", 5) == 4
    for wrong in ("5", "3,1", "a", "1-2-3"):
        with pytest.raises(ValueError):
            count_indexes(wrong, 5)


def test_where_two_sets_of_indexes_meet():
    assert first_overlap("0-2,7", "3,6-8", 10) == 7
    assert first_overlap("0-2", "wrong,2", 10) == 2
    assert first_overlap("0,2,4", "1,3,5", 10) is None
    assert first_overlap("", "1", 10) is None


def test_a_sound_cron_job_has_no_fault():
    assert faults(CRON.validate_create(cron(timeZone="Europe/Paris"))) == []


def test_faults_of_a_cron_job():
    obj = cron(schedule="nonsense", timeZone="Mars/Olympus")
    assert faults(CRON.validate_create(obj)) == [
        'spec.schedule: Invalid value: "nonsense": expected exactly 5 fields, found 1: [nonsense]',
        'spec.timeZone: Invalid value: "Mars/Olympus": unknown time zone Mars/Olympus',
    ]


@pytest.mark.parametrize(
    ("text", "after", "then"),
    [
        ("*/5 * * * *", "2026-01-01T00:01", "2026-01-01T00:05"),
        ("0 0 29 2 *", "2026-01-01T00:00", "2028-02-29T00:00"),
        ("0 12 13 * fri", "2026-01-10T00:00", "2026-01-13T12:00"),
        ("@hourly", "2026-01-01T00:00", "2026-01-01T01:00"),
        ("@every 90s", "2026-01-01T00:00", "2026-01-01T00:01:30"),
    ],
)
def test_the_next_time(text, after, then):
    found = parse(text).next(datetime.fromisoformat(after).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(then).replace(tzinfo=UTC)


def test_a_schedule_without_a_time_has_no_next():
    assert parse("0 0 31 2 *").next(datetime(2026, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("a * * * *", 'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'),
        ("@often", "unrecognized descriptor: @often"),
    ],
)
def test_wrong_schedules(text, message):
    with pytest.raises(ScheduleError) as caught:
        parse(text)
    assert str(caught.value) == message
