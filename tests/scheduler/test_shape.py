"""What a pod is taken to need while its requests are being changed."""

from corral.scheduler.shape import Shapes


def requests(asked, allocated=None, actual=None, reason=""):
    status = {"containerStatuses": [{"name": "c", "allocatedResources": allocated, "resources": {"requests": actual}}]}
    if reason:
        status["conditions"] = [{"type": "PodResizePending", "status": "True", "reason": reason}]
    container = {"name": "c", "image": "app", "resources": {"requests": asked}}
    return Shapes().of({"metadata": {}, "spec": {"containers": [container]}, "status": status}).requests


def test_a_pod_that_is_not_resized_needs_what_it_asks_for():
    assert requests({"cpu": "1"}, {"cpu": "1"}, {"cpu": "1"}) == {"cpu": 1000}
    assert requests({"cpu": "1"}) == {"cpu": 1000}


def test_a_pod_that_grows_needs_what_it_asks_for_before_it_has_it():
    assert requests({"cpu": "2"}, {"cpu": "1"}, {"cpu": "1"}, "Deferred") == {"cpu": 2000}


def test_a_pod_that_shrinks_needs_what_it_has_until_it_has_let_go():
    assert requests({"cpu": "1", "memory": "1"}, {"cpu": "1", "memory": "1"}, {"cpu": "2"}) == {"cpu": 2000, "memory": 1}


def test_what_will_never_be_granted_does_not_count():
    assert requests({"cpu": "64"}, {"cpu": "1"}, {"cpu": "1"}, "Infeasible") == {"cpu": 1000}
