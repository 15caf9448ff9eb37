"""Jobs whose pods run: all are started at once, and each test looks at how one ended."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.conformance.pods import IMAGE, Pods

Object = dict[str, Any]
Jobs = Callable[[str], Object]

FAIL_ODD = 'test "$((JOB_COMPLETION_INDEX % 2))" -eq 0'
FAIL_ONCE = "test -e /data/seen || { touch /data/seen; exit 1; }"
#: The first pod of each index stays until it is told to end, and then fails; the next finds what it has left, and succeeds.
FIRST_STAYS = (
    "mark=/data/$JOB_NAME-$JOB_COMPLETION_INDEX; test -e $mark && exit 0;"
    " touch $mark; trap 'exit 1' TERM; while :; do sleep 0.1; done"
)


def _job(name: str, script: str, *, indexed: bool = True, volume: Object | None = None, **spec: Any) -> Object:
    run: Object = {"name": "c", "image": IMAGE, "command": ["sh", "-c", script]}
    run["env"] = [{"name": "JOB_NAME", "value": name}]
    pod: Object = {"restartPolicy": spec.pop("restartPolicy", "Never"), "containers": [run]}
    pod["terminationGracePeriodSeconds"] = 2
    if volume:
        pod["volumes"] = [{"name": "data", **volume}]
        run["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    mode = {"completionMode": "Indexed"} if indexed else {}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"parallelism": 2, "template": {"spec": pod}, **mode, **spec},
    }


def _rule(action: str, **how: Any) -> Object:
    return {"podFailurePolicy": {"rules": [{"action": action, **how}]}}


EXIT_1 = {"onExitCodes": {"operator": "In", "values": [1]}}
DISRUPTED = {"onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}


@pytest.fixture(scope="module")
def jobs(shared_pods: Pods) -> Jobs:
    """All jobs, under way."""
    here = {"hostPath": {"path": f"/tmp/{shared_pods.namespace}", "type": "DirectoryOrCreate"}}
    for body in (
        _job("indexed", 'test "$(hostname)" = "$JOB_NAME-$JOB_COMPLETION_INDEX"', completions=4),
        _job("locally", FAIL_ONCE, indexed=False, completions=4, restartPolicy="OnFailure", volume={"emptyDir": {}}),
        _job("at-once", "exit 1", indexed=False, completions=4, **_rule("FailJob", **EXIT_1)),
        _job("evicted", FIRST_STAYS, completions=2, backoffLimit=0, volume=here, **_rule("Ignore", **DISRUPTED)),
        _job("per-index", FAIL_ODD, completions=4, backoffLimitPerIndex=1),
        _job("fail-index", FAIL_ODD, completions=2, backoffLimitPerIndex=1, **_rule("FailIndex", **EXIT_1)),
        _job("most", "exit 1", completions=4, parallelism=1, backoffLimitPerIndex=0, maxFailedIndexes=0),
        _job("all", "true", completions=2, successPolicy={"rules": [{"succeededCount": 2}]}),
        _job("some", FAIL_ODD, completions=5, successPolicy={"rules": [{"succeededIndexes": "0"}]}),
        _job("count", FAIL_ODD, completions=5, backoffLimit=2**31 - 1, successPolicy={"rules": [{"succeededCount": 1}]}),
    ):
        shared_pods.create("jobs.batch", body)

    def ended(name: str, timeout_s: float = 90) -> Object:
        """The job, once it has completed or failed."""
        over = ("Complete", "Failed")
        found: Object = shared_pods.until(f"jobs.batch/{name}", lambda job: any(_why(job, kind) for kind in over), timeout_s)
        assert found["status"].get("active", 0) == found["status"]["ready"] == found["status"]["terminating"] == 0
        return found

    return ended


def _why(job: Object, kind: str) -> str:
    """The reason of a condition that holds; '' where it does not."""
    conditions = job["status"].get("conditions") or ()
    return next((c["reason"] for c in conditions if c["type"] == kind and c["status"] == "True"), "")


def test_every_index_has_a_pod_of_its_name(shared_pods: Pods, jobs: Jobs) -> None:
    """[sig-apps] Job should create pods for an Indexed job with completion indexes and specified hostname [Conformance]"""
    job = jobs("indexed")
    assert _why(job, "SuccessCriteriaMet") == _why(job, "Complete") == "CompletionsReached"
    assert (job["status"]["completedIndexes"], job["status"]["succeeded"]) == ("0-3", 4)
    pods = shared_pods.get("pods", labelSelector="batch.kubernetes.io/job-name=indexed")["items"]
    key = "batch.kubernetes.io/job-completion-index"
    indexes = {pod["metadata"]["annotations"][key]: pod["spec"]["hostname"] for pod in pods}
    assert indexes == {str(i): f"indexed-{i}" for i in range(4)}
    assert all(pod["metadata"]["labels"][key] == pod["metadata"]["annotations"][key] for pod in pods)


def test_containers_are_restarted_where_they_are(shared_pods: Pods, jobs: Jobs) -> None:
    """[sig-apps] Job should run a job to completion when tasks sometimes fail and are locally restarted [Conformance]"""
    job = jobs("locally")
    assert _why(job, "Complete") == "CompletionsReached" and job["status"]["succeeded"] == 4
    assert "failed" not in job["status"]


def test_an_exit_code_fails_the_job(shared_pods: Pods, jobs: Jobs) -> None:
    """[sig-apps] Job should allow to use the pod failure policy on exit code to fail the job early [Conformance]"""
    job = jobs("at-once")
    assert _why(job, "FailureTarget") == _why(job, "Failed") == "PodFailurePolicy"
    (message,) = {c["message"] for c in job["status"]["conditions"]}
    assert message.startswith(f"Container c for pod {shared_pods.namespace}/at-once-")
    assert message.endswith(" failed with exit code 1 matching FailJob rule at index 0")


def test_evictions_do_not_count(shared_pods: Pods, jobs: Jobs) -> None:
    """[sig-apps] Job should allow to use a pod failure policy to ignore failure matching on DisruptionTarget condition [Conformance]"""
    shared_pods.until("jobs.batch/evicted", lambda job: job["status"].get("ready") == 2, 60)
    for pod in shared_pods.names("pods", labelSelector="batch.kubernetes.io/job-name=evicted"):
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod, "namespace": shared_pods.namespace},
        }
        shared_pods.create(f"pods/{pod}/eviction", eviction)
        shared_pods.until_gone(f"pods/{pod}", 30)
    job = jobs("evicted")
    assert _why(job, "Complete") == "CompletionsReached"
    assert job["status"]["succeeded"] == 2 and "failed" not in job["status"]


def test_every_index_has_tries_of_its_own(shared_pods: Pods, jobs: Jobs) -> None:
    """[sig-apps] Job should execute all indexes despite some failing when using backoffLimitPerIndex [Conformance]"""
    job = jobs("per-index")
    assert _why(job, "Failed") == "FailedIndexes"
    status = job["status"]
    assert (status["failedIndexes"], status["completedIndexes"]) == ("1,3", "0,2")
    assert (status["failed"], status["succeeded"]) == (4, 2)
    pods = shared_pods.get("pods", labelSelector="batch.kubernetes.io/job-name=per-index")["items"]
    tries = [pod["metadata"]["annotations"]["batch.kubernetes.io/job-index-failure-count"] for pod in pods]
    assert sorted(tries) == ["0", "0", "0", "0", "1", "1"]


def test_an_exit_code_fails_an_index(shared_pods: Pods, jobs: Jobs) -> None:
    """[sig-apps] Job should mark indexes as failed when the FailIndex action is matched in podFailurePolicy [Conformance]"""
    job = jobs("fail-index")
    assert _why(job, "Failed") == "FailedIndexes"
    status = job["status"]
    assert (status["failedIndexes"], status["completedIndexes"]) == ("1", "0")
    assert (status["failed"], status["succeeded"]) == (1, 1)


def test_too_many_failed_indexes_end_the_job(shared_pods: Pods, jobs: Jobs) -> None:
    """[sig-apps] Job should terminate job execution when the number of failed indexes exceeds maxFailedIndexes [Conformance]"""
    job = jobs("most")
    assert _why(job, "Failed") == "MaxFailedIndexesExceeded"
    assert (job["status"]["failedIndexes"], job["status"]["failed"]) == ("0", 1)


def test_all_successes_are_enough(shared_pods: Pods, jobs: Jobs) -> None:
    """[sig-apps] Job with successPolicy should succeeded when all indexes succeeded [Conformance]"""
    job = jobs("all")
    assert _why(job, "SuccessCriteriaMet") == _why(job, "Complete") == "SuccessPolicy"
    assert job["status"]["succeeded"] == 2 and "failed" not in job["status"]


@pytest.mark.parametrize("name", ["some", "count"])
def test_some_successes_are_enough(shared_pods: Pods, jobs: Jobs, name: str) -> None:
    """[sig-apps] Job with successPolicy succeededIndexes rule should succeeded even when some indexes remain pending [Conformance]
    [sig-apps] Job with successPolicy succeededCount rule should succeeded even when some indexes remain pending [Conformance]
    """
    job = jobs(name)
    assert _why(job, "SuccessCriteriaMet") == _why(job, "Complete") == "SuccessPolicy"
    assert job["status"]["completedIndexes"] == "0"
