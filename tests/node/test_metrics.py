"""What a node tells Prometheus."""

from collections import Counter

import pytest
from prometheus_client.parser import text_string_to_metric_families

from corral.node import metrics
from corral.node.cri.types import ContainerStats
from corral.node.stats import Network
from corral.testing.podstate import container, found, new_pod

SIZED = {"resources": {"requests": {"cpu": "250m"}, "limits": {"cpu": "1", "memory": "1Mi"}}}
STATS = ContainerStats("id1", "", "c", 100.0, 2_500_000_000, 10, 20, 30, 4, 5, 60, 7)


def samples(text):
    """(name, labels that were asked for) → value."""
    found = [s for family in text_string_to_metric_families(text.decode()) for s in family.samples]
    return {(s.name, *sorted(s.labels.items())): s.value for s in found}


@pytest.fixture
def pod():
    return new_pod(container("c", image="web:1", **SIZED), status={"phase": "Running"})


def test_what_containers_use_and_may_use(pod):
    meta = pod["metadata"]
    item = ContainerStats(*(getattr(STATS, f) if f != "pod_uid" else meta["uid"] for f in STATS.__struct_fields__))
    stranger = ContainerStats(*(getattr(STATS, f) if f != "pod_uid" else "none" for f in STATS.__struct_fields__))
    said = samples(metrics.of_containers([pod], [item, stranger], {meta["uid"]: Network("eth0", 1, 2, 3, 4)}))

    def of(name, **more):
        (value,) = (v for k, v in said.items() if k[0] == name and set(more.items()) <= set(k[1:]))
        return value

    labels = {"container": "c", "pod": meta["name"], "namespace": meta["namespace"], "image": "web:1"}
    assert of("container_cpu_usage_seconds_total", cpu="total", **labels) == 2.5
    assert of("container_memory_working_set_bytes", **labels) == 10
    assert of("container_memory_failures_total", failure_type="pgmajfault", **labels) == 5
    assert (of("container_spec_cpu_shares"), of("container_spec_cpu_quota")) == (256, 100_000)
    assert of("container_spec_memory_limit_bytes") == 1 << 20
    assert (of("container_network_receive_bytes_total", interface="eth0"), of("container_network_transmit_errors_total")) == (
        1,
        4,
    )
    assert of("machine_cpu_cores") >= 1 and of("machine_memory_bytes") > 1 << 20


def test_how_often_probes_gave_which_answer(pod):
    counts = Counter({("c", "liveness", True): 7, ("c", "liveness", False): 2})
    said = samples(metrics.of_probes([(pod, counts)]))
    values = {dict(k[1:])["result"]: v for k, v in said.items() if ("probe_type", "Liveness") in k}
    assert values == {"successful": 7, "failed": 2}


def test_what_the_agent_runs(pod):
    said = samples(metrics.of_agent("n1", [pod], [found("c"), found("d", "exited"), found("e", "exited")]))
    assert said["kubelet_running_pods",] == 1
    assert said["kubelet_running_containers", ("container_state", "exited")] == 2
    assert said["kubelet_node_name", ("node", "n1")] == 1
    assert said["process_cpu_seconds_total",] > 0
