"""The controllers and the scheduler on a real API server, with hollow nodes: what a user sees."""

import asyncio

import pytest

from corral.api.errors import ApiError
from corral.testing.control import running_control
from corral.testing.objects import template
from corral.testing.server import running_server

SLICES = "endpointslices.discovery.k8s.io"


def played(tmp_path, scenario):
    async def play():
        async with running_server(tmp_path) as server, running_control(server) as control:
            await scenario(control)

    asyncio.run(play())


def web(replicas=2, image="nginx:1", **spec):
    return {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template(image), **spec},
    }


def service(**spec):
    return {
        "kind": "Service",
        "apiVersion": "v1",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}], **spec},
    }


async def missing(client, resource, name, namespace=""):
    try:
        await client.get(resource, name, namespace)
    except ApiError as error:
        return error.code == 404
    return False


def images(control):
    return sorted(pod["spec"]["containers"][0]["image"] for pod in control.ready_pods("default"))


def test_a_deployment_behind_a_service_rolls_is_undone_and_goes(tmp_path):
    async def scenario(control):
        client = control.client
        await control.nodes.add("n1")
        await client.create("deployments.apps", web())
        await client.create("services", service())
        await control.until(lambda: images(control) == ["nginx:1"] * 2)

        def endpoints():
            slices = [s for s in control.objects(SLICES, "default") if s["metadata"]["name"].startswith("web-")]
            return {e["targetRef"]["name"] for s in slices for e in s["endpoints"] if e["conditions"]["ready"]}

        def pods():
            return {pod["metadata"]["name"] for pod in control.ready_pods("default")}

        await control.until(lambda: endpoints() == pods())

        def old_style():
            found = control.informers.get("endpoints").get("default", "web") or {}
            return {a["targetRef"]["name"] for s in found.get("subsets", ()) for a in s.get("addresses", ())}

        await control.until(lambda: old_style() == pods())
        await client.patch("deployments.apps", "web", {"spec": {"template": template("nginx:2")}}, "default")
        await control.until(lambda: images(control) == ["nginx:2"] * 2 and endpoints() == pods())
        await client.patch("deployments.apps", "web", {"spec": {"template": template("nginx:1")}}, "default")
        await control.until(lambda: images(control) == ["nginx:1"] * 2)
        await control.until(lambda: len(control.objects("replicasets.apps", "default")) == 2)
        await client.delete("deployments.apps", "web", "default")
        await client.delete("services", "web", "default")
        await control.until(
            lambda: (
                not control.objects("pods", "default")
                and not control.objects("replicasets.apps", "default")
                and endpoints() == set()
                and control.informers.get("endpoints").get("default", "web") is None
            )
        )

    played(tmp_path, scenario)


def test_a_deleted_pod_is_replaced_and_one_with_other_labels_released(tmp_path):
    async def scenario(control):
        await control.nodes.add("n1")
        await control.client.create("deployments.apps", web())
        await control.until(lambda: len(control.ready_pods("default")) == 2)
        first, second = sorted(pod["metadata"]["name"] for pod in control.ready_pods("default"))
        await control.client.delete("pods", first, "default")
        await control.client.patch("pods", second, {"metadata": {"labels": {"app": "debug"}}}, "default")

        def replaced():
            pods = control.ready_pods("default")
            mine = {pod["metadata"]["name"] for pod in pods if pod["metadata"]["labels"]["app"] == "web"}
            loose = next((pod for pod in pods if pod["metadata"]["name"] == second), None)
            return len(mine) == 2 and not mine & {first, second} and loose and not loose["metadata"].get("ownerReferences")

        await control.until(replaced)

    played(tmp_path, scenario)


def test_a_replica_set_never_makes_more_pods_than_asked_for(tmp_path):
    async def scenario(control):
        made = set()
        control.informers.get("pods").listen(lambda change: made.add(change.key.name))
        await control.nodes.add("n1")
        await control.client.create("deployments.apps", web(replicas=40))
        await control.until(lambda: len(control.ready_pods("default")) == 40)
        assert len(made) == 40

    played(tmp_path, scenario)


@pytest.mark.parametrize("propagation", ["Foreground", "Orphan"])
def test_deleting_in_the_foreground_takes_the_owner_last_and_orphaning_keeps_the_rest(tmp_path, propagation):
    async def scenario(control):
        client = control.client
        await control.nodes.add("n1")
        await client.create("deployments.apps", web())
        await control.until(lambda: len(control.ready_pods("default")) == 2)
        gone = []
        for resource in ("deployments.apps", "replicasets.apps", "pods"):
            control.informers.get(resource).listen(lambda c, r=resource: c.new is None and gone.append(r))
        await client.delete("deployments.apps", "web", "default", propagation=propagation)
        await control.until(lambda: "deployments.apps" in gone)
        if propagation == "Foreground":
            assert gone == ["pods", "pods", "replicasets.apps", "deployments.apps"]
        else:
            await control.until(lambda: not control.objects("replicasets.apps")[0]["metadata"].get("ownerReferences"))
            assert gone == ["deployments.apps"]
            assert len(control.ready_pods("default")) == 2

    played(tmp_path, scenario)


def test_a_namespace_goes_with_all_it_holds(tmp_path):
    async def scenario(control):
        client = control.client
        await control.nodes.add("n1")
        await client.create("namespaces", {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "team"}})
        await control.until(lambda: control.informers.get("serviceaccounts").get("team", "default"))
        await control.until(lambda: control.informers.get("configmaps").get("team", "kube-root-ca.crt"))
        deployment = web()
        deployment["metadata"]["namespace"] = "team"
        await client.create("deployments.apps", deployment)
        await control.until(lambda: len(control.ready_pods("team")) == 2)
        held = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "held", "namespace": "team"}}
        held["metadata"]["finalizers"] = ["example.com/hold"]
        await client.create("configmaps", held)
        await client.delete("namespaces", "team")

        def told():
            namespace = control.informers.get("namespaces").get("", "team")
            conditions = {c["type"]: c for c in namespace.get("status", {}).get("conditions", ())}
            remaining = conditions.get("NamespaceFinalizersRemaining", {})
            return "example.com/hold in 1 resource instances" in remaining.get("message", "")

        await control.until(told)
        assert not control.objects("pods", "team")
        await client.patch("configmaps", "held", {"metadata": {"finalizers": None}}, "team")
        await control.until(lambda: control.informers.get("namespaces").get("", "team") is None)

    played(tmp_path, scenario)


def test_what_somebody_takes_away_comes_back(tmp_path):
    async def scenario(control):
        client = control.client
        accounts, maps = control.informers.get("serviceaccounts"), control.informers.get("configmaps")
        await control.until(lambda: accounts.get("default", "default") and maps.get("default", "kube-root-ca.crt"))
        uid = accounts.get("default", "default")["metadata"]["uid"]
        await client.delete("serviceaccounts", "default", "default")
        await client.patch("configmaps", "kube-root-ca.crt", {"data": {"ca.crt": "forged"}}, "default")
        await control.until(
            lambda: (accounts.get("default", "default") or {"metadata": {"uid": uid}})["metadata"]["uid"] != uid
        )
        await control.until(lambda: maps.get("default", "kube-root-ca.crt")["data"]["ca.crt"].startswith("-----BEGIN"))

    played(tmp_path, scenario)


def test_pods_that_are_refused_are_told_of_by_the_deployment(tmp_path):
    async def scenario(control):
        deployment = web()
        deployment["spec"]["template"]["spec"]["serviceAccountName"] = "nobody"
        await control.client.create("deployments.apps", deployment)

        def refused():
            found = control.informers.get("deployments.apps").get("default", "web") or {}
            conditions = {c["type"]: c for c in found.get("status", {}).get("conditions", ())}
            failure = conditions.get("ReplicaFailure", {})
            return failure.get("reason") == "FailedCreate" and "error looking up service account" in failure.get("message", "")

        await control.until(refused)
        account = {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": {"name": "nobody", "namespace": "default"}}
        await control.client.create("serviceaccounts", account)
        await control.until(lambda: len(control.objects("pods", "default")) == 2)

    played(tmp_path, scenario)


def test_a_hand_written_endpoints_object_is_mirrored(tmp_path):
    async def scenario(control):
        bare = service()
        del bare["spec"]["selector"]
        await control.client.create("services", bare)
        subsets = [{"addresses": [{"ip": "192.0.2.7"}], "ports": [{"port": 8080}]}]
        endpoints = {"kind": "Endpoints", "apiVersion": "v1", "metadata": {"name": "web", "namespace": "default"}}
        await control.client.create("endpoints", {**endpoints, "subsets": subsets})

        def mirrored():
            slices = control.objects(SLICES, "default")
            return [e["addresses"] for s in slices if s["metadata"]["name"].startswith("web-") for e in s["endpoints"]]

        await control.until(lambda: mirrored() == [["192.0.2.7"]])
        await control.client.delete("endpoints", "web", "default")
        await control.until(lambda: mirrored() == [])

    played(tmp_path, scenario)


def test_a_job_runs_to_its_end(tmp_path):
    async def scenario(control):
        client = control.client
        await control.nodes.add("n1")
        pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "pi"}]}
        spec = {"completions": 3, "parallelism": 2, "template": {"spec": pod}}
        metadata = {"name": "pi", "namespace": "default"}
        await client.create("jobs.batch", {"kind": "Job", "apiVersion": "batch/v1", "metadata": metadata, "spec": spec})
        ended = set()

        async def end_all():
            for found in control.ready_pods("default"):
                name = found["metadata"]["name"]
                if name not in ended:
                    ended.add(name)
                    patch = {"status": {"phase": "Succeeded", "conditions": [{"type": "Ready", "status": "False"}]}}
                    await client.patch("pods", name, patch, "default", type="strategic", subresource="status")

        def ready_or_ended():
            return ended | {found["metadata"]["name"] for found in control.ready_pods("default")}

        for count in (2, 3):
            await control.until(lambda count=count: len(ready_or_ended()) == count)
            await end_all()

        def complete():
            job = control.informers.get("jobs.batch").get("default", "pi")
            done = {c["type"] for c in job["status"].get("conditions", ()) if c["status"] == "True"}
            return "Complete" in done and job["status"]["succeeded"] == 3

        await control.until(complete)
        assert len(ended) == 3
        await client.delete("jobs.batch", "pi", "default", propagation="Background")
        await control.until(lambda: not control.objects("pods", "default"))

    played(tmp_path, scenario)


def test_a_daemon_set_follows_the_nodes(tmp_path):
    async def scenario(control):
        client = control.client
        await control.nodes.add("n1")
        metadata = {"name": "agent", "namespace": "default"}
        spec = {"selector": {"matchLabels": {"app": "web"}}, "template": template("agent:1")}
        await client.create(
            "daemonsets.apps", {"kind": "DaemonSet", "apiVersion": "apps/v1", "metadata": metadata, "spec": spec}
        )

        def places():
            return sorted(found["spec"]["nodeName"] for found in control.ready_pods("default"))

        await control.until(lambda: places() == ["n1"])
        await control.nodes.add("n2")
        await control.until(lambda: places() == ["n1", "n2"])
        await client.patch("daemonsets.apps", "agent", {"spec": {"template": template("agent:2")}}, "default")
        await control.until(lambda: images(control) == ["agent:2"] * 2)
        status = control.informers.get("daemonsets.apps")
        await control.until(lambda: status.get("default", "agent")["status"].get("numberAvailable") == 2)
        assert len(control.objects("controllerrevisions.apps", "default")) == 2

    played(tmp_path, scenario)


def test_a_stateful_set_keeps_names_and_order(tmp_path):
    async def scenario(control):
        client = control.client
        await control.nodes.add("n1")
        metadata = {"name": "db", "namespace": "default"}
        selector = {"matchLabels": {"app": "web"}}
        spec = {"replicas": 3, "serviceName": "db", "selector": selector, "template": template("db:1")}
        await client.create(
            "statefulsets.apps", {"kind": "StatefulSet", "apiVersion": "apps/v1", "metadata": metadata, "spec": spec}
        )
        await control.until(lambda: len(control.ready_pods("default")) == 3)
        born = {found["metadata"]["name"]: found["metadata"]["uid"] for found in control.ready_pods("default")}
        assert sorted(born) == ["db-0", "db-1", "db-2"]
        await client.delete("pods", "db-1", "default")
        await control.until(
            lambda: (
                {found["metadata"]["name"] for found in control.ready_pods("default")} == set(born)
                and control.informers.get("pods").get("default", "db-1")["metadata"]["uid"] != born["db-1"]
            )
        )
        await client.patch("statefulsets.apps", "db", {"spec": {"replicas": 1, "template": template("db:2")}}, "default")
        await control.until(lambda: images(control) == ["db:2"])

    played(tmp_path, scenario)
