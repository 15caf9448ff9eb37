"""What a node's agent answers through the API server: its settings, health, pods, statistics, metrics, and the host's logs."""

import json

from tests.conformance.pods import Pods, pod


def test_a_node_answers_as_a_kubelet_does(pods: Pods) -> None:
    """`nodes/NAME/proxy/…` is the agent's HTTP API."""
    node = f"/api/v1/nodes/{pods.cluster.node}/proxy"
    pods.start(pod("p", "echo said; sleep 600"))
    uid = pods.running("p")["metadata"]["uid"]
    assert pods.get(f"{node}/healthz") == "ok"
    settings = pods.get(f"{node}/configz")["kubeletconfig"]
    assert settings["maxPods"] == int(pods.get(f"/api/v1/nodes/{pods.cluster.node}")["status"]["capacity"]["pods"])
    assert settings["clusterDomain"] == "cluster.local"
    assert uid in [found["metadata"]["uid"] for found in pods.get(f"{node}/pods")["items"]]
    assert uid in [found["podRef"]["uid"] for found in pods.get(f"{node}/stats/summary")["pods"]]
    assert "node_cpu_usage_seconds_total" in pods.get(f"{node}/metrics/resource")
    assert "kubelet_running_pods" in pods.get(f"{node}/metrics")
    of_pod = f'namespace="{pods.namespace}",pod="p"'
    used = pods.until(f"{node}/metrics/cadvisor", lambda text: of_pod in text)
    assert "container_memory_working_set_bytes" in used and "machine_cpu_cores" in used
    assert "prober_probe_total" in pods.get(f"{node}/metrics/probes")
    listing = pods.get(f"{node}/logs/")
    assert listing.startswith("<!doctype html>") and f'href="{node}/logs/pods/"' not in listing and 'href="pods/"' in listing
    said = pods.get(f"{node}/logs/pods/{pods.namespace}_p_{uid}/c/0.log")
    assert said.endswith("stdout F said\n")
    code, answer, headers = pods.raw("GET", f"{node}/nothing")
    assert (code, answer) == (404, "404 page not found\n"), json.dumps(headers)
