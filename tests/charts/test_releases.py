"""Releases against a real API server: what ours leaves Helm can take over, and the other way round; nothing half done."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-web
  labels: {app: web}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: web:{{ .Values.tag }}
        env:
        {{- range $name, $value := .Values.env }}
        - {name: {{ $name }}, value: {{ quote $value }}}
        {{- end }}
"""
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: "
CONFIG = MAP + "{name: {{ .Release.Name }}-config}\ndata:\n{{ toYaml .Values.data | indent 2 }}\n"
FILES = {
    "values.yaml": "replicas: 1\ntag: 1\nenv: {A: 1, B: 2}\ndata: {x: a, w: b}\nextra: false\n",
    "templates/deployment.yaml": DEPLOYMENT,
    "templates/config.yaml": CONFIG,
    "templates/extra.yaml": "{{ if .Values.extra }}" + MAP + "{name: {{ .Release.Name }}-extra}\n{{ end }}",
    "templates/NOTES.txt": "{{ .Release.Name }} revision {{ .Release.Revision }} upgrade {{ .Release.IsUpgrade }}\n",
}


@pytest.fixture
def chart(make):
    return str(make("web", FILES))


@pytest.fixture
def get(corral, there):
    def call(resource, name="", group="/api/v1"):
        try:
            return corral.request("GET", f"{group}/namespaces/{there}/{resource}/{name}".rstrip("/"))
        except RuntimeError as error:
            assert " 404 " in str(error)
            return None

    return call


def deployment(get, name="a"):
    return get("deployments", f"{name}-web", "/apis/apps/v1")


def test_helm_sees_and_takes_over_what_ours_installed(there, chart, corral_chart, helm, get):
    installed = corral_chart("install", "a", chart, "--set", "replicas=2")
    assert installed.code == 0
    assert "STATUS: deployed" in installed.out and "a revision 1 upgrade false" in installed.out
    meta = deployment(get)["metadata"]
    assert meta["labels"]["app.kubernetes.io/managed-by"] == "Helm"
    assert meta["annotations"]["meta.helm.sh/release-name"] == "a"
    for words in (["list"], ["list", "-o", "json"], ["list", "-o", "yaml"], ["history", "a"], ["history", "a", "-o", "json"]):
        assert corral_chart(*words).out == helm(*words).out, words
    for words in (
        ["get", "values"],
        ["get", "values", "-a"],
        ["get", "manifest"],
        ["get", "notes"],
        ["get", "hooks"],
        ["get", "all"],
    ):
        assert corral_chart(*words, "a").out == helm(*words, "a").out, words
    for words in (
        ["status", "a"],
        ["status", "a", "-o", "json"],
        ["status", "a", "-o", "yaml"],
        ["status", "a", "--show-desc"],
    ):
        assert corral_chart(*words).out == helm(*words).out, words
    assert helm("upgrade", "a", chart, "--reuse-values", "--set", "tag=2,env.A=null,extra=true").code == 0
    spec = deployment(get)["spec"]
    assert spec["replicas"] == 2
    assert spec["template"]["spec"]["containers"][0]["image"] == "web:2"
    assert get("configmaps", "a-extra")
    # and ours takes it back
    assert corral_chart("upgrade", "a", chart, "--reset-values").code == 0
    assert deployment(get)["spec"]["template"]["spec"]["containers"][0]["env"] == [
        {"name": "A", "value": "1"},
        {"name": "B", "value": "2"},
    ]
    assert get("configmaps", "a-extra") is None
    assert [r["status"] for r in json.loads(helm("history", "a", "-o", "json").out)] == ["superseded", "superseded", "deployed"]
    assert helm("rollback", "a", "2").code == 0
    assert corral_chart("rollback", "a", "1").code == 0
    assert corral_chart("history", "a").out == helm("history", "a").out
    assert helm("uninstall", "a").out == 'release "a" uninstalled\n'
    assert deployment(get) is None


def test_ours_takes_over_what_helm_installed(there, chart, corral_chart, helm, get):
    assert helm("install", "a", chart, "--set", "data.z=helm").code == 0
    for words in (["status", "a"], ["get", "all", "a"], ["list"], ["history", "a"]):
        assert corral_chart(*words).out == helm(*words).out, words
    assert corral_chart("upgrade", "a", chart, "--set", "data.x=null,data.z=ours").code == 0
    assert get("configmaps", "a-config")["data"] == {"w": "b", "z": "ours"}
    assert corral_chart("uninstall", "a").out == helm("uninstall", "a").out.replace("Error", "") + 'release "a" uninstalled\n'
    assert get("secrets")["items"] == []


def test_an_upgrade_keeps_what_others_wrote(there, chart, corral_chart, corral, get):
    corral_chart("install", "a", chart)
    path = f"/apis/apps/v1/namespaces/{there}/deployments/a-web"
    for _ in range(20):  # The controller writes its status meanwhile.
        live = corral.request("GET", path)
        live["metadata"]["annotations"]["others"] = "stay"
        live["spec"]["replicas"] = 7
        live["spec"]["template"]["spec"]["containers"].append({"name": "sidecar", "image": "sidecar:1"})
        try:
            corral.request("PUT", path, live)
            break
        except RuntimeError as error:
            assert " 409 " in str(error)
    assert corral_chart("upgrade", "a", chart, "--set", "tag=2").code == 0
    new = deployment(get)
    containers = {c["name"]: c["image"] for c in new["spec"]["template"]["spec"]["containers"]}
    assert containers == {"web": "web:2", "sidecar": "sidecar:1"}
    assert new["metadata"]["annotations"]["others"] == "stay"
    # What the chart says is so again, as with Helm: the manifest of both revisions says 1.
    assert new["spec"]["replicas"] == 1


@pytest.mark.parametrize("first", [["--set", "tag=5,data.k=v"], ["--set", "tag=5", "--set", "env=null"]])
@pytest.mark.parametrize(
    "options", [[], ["--reuse-values"], ["--reset-values"], ["--set", "replicas=3"], ["--reuse-values", "--set", "tag=6"]]
)
def test_values_are_reused_as_helm_reuses_them(first, options, there, make, chart, corral_chart, helm):
    newer = str(
        make(
            "newer",
            {
                **FILES,
                "Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.2.0\n",
                "values.yaml": FILES["values.yaml"] + "new: 1\n",
            },
        )
    )
    for program, name in ((corral_chart, "ours"), (helm, "theirs")):
        assert program("install", name, chart, *first).code == 0
        assert program("upgrade", name, newer, *options).code == 0
    for words in (["get", "values"], ["get", "values", "-a"]):
        assert helm(*words, "ours").out == helm(*words, "theirs").out


def test_values_of_the_new_chart_then_of_the_last_revision(there, make, chart, corral_chart, helm):
    newer = str(
        make(
            "newer",
            {
                **FILES,
                "Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.2.0\n",
                "values.yaml": FILES["values.yaml"].replace("a, w", "new, w"),
            },
        )
    )
    corral_chart("install", "a", chart, "--set", "tag=5")
    assert corral_chart("upgrade", "a", newer, "--reset-then-reuse-values", "--set", "replicas=2").code == 0
    assert json.loads(helm("get", "values", "a", "-o", "json").out) == {"tag": 5, "replicas": 2}
    assert json.loads(helm("get", "values", "a", "-a", "-o", "json").out)["data"] == {"x": "new", "w": "b"}


MISTAKES = (
    "install a {chart}",
    "upgrade nope {chart}",
    "rollback nope",
    "rollback a 9",
    "rollback a x",
    "uninstall nope",
    "status nope",
    "history nope",
    "get values nope",
    "get values a --revision 9",
    "install b {chart} --set extra=1,tag=: --set-string env=x",
    "install Bad {chart}",
    "install b nowhere",
    "install b ./nowhere",
    "install b {chart} -f nowhere.yaml",
    "install b {chart} --generate-name",
    "install {chart}",
    "install b {chart} c",
    "install b {chart} --set x",
    "install b {chart} --post-renderer ./nowhere",
    "upgrade a {chart} --set x",
    "upgrade a nowhere",
    "upgrade -i b {chart} --set x",
    "list --filter [",
)


@pytest.mark.parametrize("words", MISTAKES)
def test_mistakes_are_told_as_helm_tells_them(words, there, chart, corral_chart, helm):
    corral_chart("install", "a", chart)
    split = words.format(chart=chart).split()
    ours, theirs = corral_chart(*split), helm(*split)
    assert (ours.code, ours.err.rstrip()) == (theirs.code, theirs.err.rstrip())


def test_another_release_has_the_object(there, chart, corral_chart, helm, corral):
    corral.request(
        "POST",
        f"/api/v1/namespaces/{there}/configmaps",
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a-config"}},
    )
    ours, theirs = corral_chart("install", "a", chart), helm("install", "a", chart)
    assert (ours.code, ours.err.rstrip()) == (theirs.code, theirs.err.rstrip())
    assert corral_chart("list", "-a", "-q").out == ""


def test_nothing_is_made_of_a_chart_that_cannot_be(there, make, corral_chart, get):
    bad = {
        "unknown kind": "apiVersion: nowhere.example/v1\nkind: Thing\nmetadata: {name: x}\n",
        "unknown field": "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {ports: [{port: 1}], sellector: {a: b}}\n",
        "wrong type": "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {ports: {port: 1}}\n",
        "no kind": "apiVersion: v1\nmetadata: {name: x}\n",
        "no name": "apiVersion: v1\nkind: ConfigMap\n",
    }
    for name, text in bad.items():
        folder = str(
            make(
                name.replace(" ", "-"),
                {"templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: good}\n", "templates/b.yaml": text},
            )
        )
        ran = corral_chart("install", "a", folder)
        assert ran.code == 1 and ran.err.startswith("Error: INSTALLATION FAILED: unable to build kubernetes objects"), name
        assert get("configmaps", "good") is None
        assert get("secrets")["items"] == []


def test_what_the_server_refuses_is_a_failed_release_and_atomic_leaves_nothing(there, make, corral_chart, get):
    files = {
        "templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: good}\n",
        "templates/b.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: UPPER}\nspec: {ports: [{port: 1}]}\n",
    }
    folder = str(make("refused", files))
    ran = corral_chart("install", "a", folder)
    assert ran.code == 1 and "UPPER" in ran.err
    assert json.loads(corral_chart("list", "-o", "json").out)[0]["status"] == "failed"
    assert get("configmaps", "good")
    corral_chart("uninstall", "a")
    ran = corral_chart("install", "a", folder, "--atomic")
    assert "release a failed, and has been uninstalled due to atomic being set" in ran.err
    assert get("configmaps", "good") is None
    assert get("secrets")["items"] == []


def test_an_upgrade_that_fails_goes_back_with_atomic(there, make, chart, corral_chart, get):
    corral_chart("install", "a", chart, "--set", "replicas=0")
    bad = str(
        make(
            "bad",
            {
                **FILES,
                "Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.2.0\n",
                "templates/z.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: UPPER}\nspec: {ports: [{port: 1}]}\n",
            },
        )
    )
    ran = corral_chart("upgrade", "a", bad, "--set", "data.x=changed,replicas=0", "--atomic", "--timeout", "5s")
    assert ran.code == 1
    assert "release a failed, and has been rolled back due to atomic being set" in ran.err
    assert get("configmaps", "a-config")["data"] == {"x": "a", "w": "b"}
    statuses = [r["status"] for r in json.loads(corral_chart("history", "a", "-o", "json").out)]
    assert statuses == ["superseded", "failed", "deployed"]


def pending(corral, namespace, name, status):
    """Make the newest revision look as if the program had been killed in the middle."""
    import gzip

    path = f"/api/v1/namespaces/{namespace}/secrets/sh.helm.release.v1.{name}"
    secret = corral.request("GET", path)
    release = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(secret["data"]["release"]))))
    release["info"]["status"] = status
    secret["data"]["release"] = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(release).encode()))).decode()
    secret["metadata"]["labels"]["status"] = status
    corral.request("PUT", path, secret)


def test_an_interrupted_upgrade_is_told_and_can_be_rolled_back(there, chart, corral, corral_chart, helm):
    corral_chart("install", "a", chart)
    corral_chart("upgrade", "a", chart, "--set", "tag=2")
    pending(corral, there, "a.v2", "pending-upgrade")
    pending(corral, there, "a.v1", "deployed")
    ours, theirs = corral_chart("upgrade", "a", chart), helm("upgrade", "a", chart)
    assert (
        ours.err.rstrip()
        == theirs.err.rstrip()
        == "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress"
    )
    assert corral_chart("rollback", "a").code == 0
    assert corral_chart("upgrade", "a", chart).code == 0
    assert helm("upgrade", "a", chart).code == 0


def test_two_upgrades_at_once_one_wins(there, chart, corral, helm_binary):
    import subprocess
    import sys

    program = [sys.executable, "-m", "corral", "chart"]
    subprocess.run([*program, "install", "a", chart], check=True, capture_output=True, timeout=60)

    def upgrade(tag):
        return subprocess.run(
            [*program, "upgrade", "a", chart, "--set", f"tag={tag}"], capture_output=True, text=True, timeout=60, check=False
        )

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(upgrade, (2, 3)))
    failed = [d for d in done if d.returncode]
    assert all("another operation (install/upgrade/rollback) is in progress" in d.stderr for d in failed)
    history = json.loads(
        subprocess.run([helm_binary, "history", "a", "-o", "json"], capture_output=True, check=True, timeout=60).stdout
    )
    assert [r["status"] for r in history].count("deployed") == 1
    assert len(history) == 3 - len(failed)


def steps(err):
    """What --debug tells, without Helm's lines of source."""
    return [line.partition("[debug] ")[2] for line in err.splitlines() if "[debug] " in line]


def test_debug_tells_each_step_as_helm_does(there, make, chart, corral_chart, helm):
    told = {}
    newer = str(make("newer", {**FILES, "Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.2.0\n"}))
    for program, name in ((corral_chart, "ours"), (helm, "theirs")):
        told[name] = []
        for words in (
            f"upgrade -i {name} {chart} --set extra=true",
            f"upgrade {name} {newer} --set data.x=y",
            f"rollback {name} 1",
            f"history {name}",
            f"uninstall {name}",
        ):
            ran = program(*words.split(), "--debug")
            assert ran.code == 0, ran.err
            told[name].append([line.replace(name, "NAME") for line in steps(ran.err)])
    chart_path = [line for line in told["ours"][1] if line.startswith(("CHART PATH", "Original chart version"))]
    assert len(chart_path) == 2  # Helm's upgrade does not tell them
    told["ours"][1] = [line for line in told["ours"][1] if line not in chart_path]
    for one in told.values():
        one[-1].sort()  # Helm deletes all of a kind at once
    assert told["ours"] == told["theirs"]


def test_history_has_a_limit(there, chart, corral_chart):
    corral_chart("install", "a", chart)
    for tag in range(2, 6):
        corral_chart("upgrade", "a", chart, "--set", f"tag={tag}", "--history-max", "3")
    assert [r["revision"] for r in json.loads(corral_chart("history", "a", "-o", "json").out)] == [3, 4, 5]


def test_history_has_the_limit_of_the_environment(there, chart, corral_chart, monkeypatch):
    monkeypatch.setenv("HELM_MAX_HISTORY", "2")
    for _ in range(4):
        assert corral_chart("upgrade", "--install", "a", chart).code == 0
    assert [r["revision"] for r in json.loads(corral_chart("history", "a", "-o", "json").out)] == [3, 4]
    corral_chart("upgrade", "a", chart, "--history-max", "0")
    assert len(json.loads(corral_chart("history", "a", "-o", "json").out)) == 3


def test_lists_and_values_are_those_of_helm(there, chart, corral_chart, helm):
    for name in ("b", "a", "c"):
        corral_chart("install", name, chart, "--set", "z=1,tag=2")
    for words in (
        ["list", "--time-format", "2006-01-02 Mon"],
        ["list", "--filter", "^[ab]$", "-r"],
        ["list", "--max", "1", "--offset", "1", "-q"],
        ["get", "values", "a", "-a", "-o", "json"],
        ["get", "values", "a", "-o", "json"],
        ["status", "a", "-o", "json"],
    ):
        assert corral_chart(*words).out == helm(*words).out != "", words
    assert corral_chart("list", "a").code == helm("list", "a").code == 1
    ours, theirs = corral_chart("install", "d", chart, "-o", "json"), helm("install", "e", chart, "-o", "json")
    made = [json.dumps({**json.loads(ran.out), "info": 0}).replace('"e', '"d').replace("e-", "d-") for ran in (ours, theirs)]
    assert made[0] == made[1].replace("e revision", "d revision")


def test_what_cannot_be_taken_away_stays_the_releases(there, make, corral, corral_chart, get):
    folder = str(make("kept", {"templates/a.yaml": MAP + "{name: a, finalizers: []}\n"}))
    corral_chart("install", "a", folder)
    corral.request(
        "POST",
        f"/apis/rbac.authorization.k8s.io/v1/namespaces/{there}/roles",
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "some"},
            "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]}],
        },
    )
    corral.request(
        "POST",
        f"/apis/rbac.authorization.k8s.io/v1/namespaces/{there}/rolebindings",
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "some"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "some"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jo"}],
        },
    )
    ran = corral_chart("uninstall", "a", "--kube-as-user", "jo")
    assert ran.code == 1
    assert ran.err.startswith('Error: failed to delete release: a: configmaps "a" is forbidden: User "jo" cannot delete')
    assert json.loads(corral_chart("list", "-a", "-o", "json").out)[0]["status"] == "uninstalling"
    ran = corral_chart("install", "b", folder, "--kube-as-user", "jo")
    assert ran.code == 1 and ran.err.startswith("Error: INSTALLATION FAILED: Unable to continue with install: could not get")
    assert corral_chart("uninstall", "a").code == 0
    assert get("configmaps", "a") is None


def test_history_can_be_kept_and_the_name_taken_again(there, chart, corral_chart, helm):
    corral_chart("install", "a", chart)
    corral_chart("uninstall", "a", "--keep-history")
    assert corral_chart("list", "-q").out == helm("list", "-q").out == ""
    assert corral_chart("list", "-a").out == helm("list", "-a").out
    assert (
        corral_chart("uninstall", "a", "--keep-history").err.rstrip() == helm("uninstall", "a", "--keep-history").err.rstrip()
    )
    assert corral_chart("install", "a", chart).code == 1
    assert corral_chart("install", "a", chart, "--replace").code == 0
    history = json.loads(helm("history", "a", "-o", "json").out)
    assert [(r["status"], r["description"]) for r in history] == [
        ("superseded", "superseded by new release"),
        ("deployed", "Install complete"),
    ]
    assert "a revision 1 upgrade false" in corral_chart("get", "notes", "a").out


def test_what_is_to_be_kept_is_kept(there, make, corral_chart, helm, get):
    keep = MAP + "{name: {{ .Release.Name }}-kept, annotations: {helm.sh/resource-policy: keep}}\n"
    folder = str(make("keep", {"templates/a.yaml": keep}))
    outs = []
    for program, name in ((corral_chart, "ours"), (helm, "theirs")):
        program("install", name, folder)
        outs.append(program("uninstall", name).out.replace(name, "NAME"))
        assert get("configmaps", f"{name}-kept")
    assert outs[0] == outs[1]


def test_documents_of_2017_work(there, chart, corral_chart, get):
    ran = corral_chart("install", "-n", "old", chart)
    assert ran.code == 0 and "-n is the namespace today" in ran.err
    assert deployment(get, "old")
    ran = corral_chart("delete", "--purge", "old")
    assert ran.code == 0 and "--purge is of Helm 2" in ran.err
    assert deployment(get, "old") is None
    assert corral_chart("install", "--name", "old", chart).code == 0


def test_a_namespace_is_made_on_wish(there, chart, corral, corral_chart):
    fresh = f"{there}-fresh"
    assert corral_chart("install", "a", chart, "-n", fresh).code == 1
    assert corral_chart("install", "a", chart, "-n", fresh, "--create-namespace").code == 0
    assert f"a\t{fresh}" in corral_chart("list", "-A").out.replace(" ", "")
    corral.request("DELETE", f"/api/v1/namespaces/{fresh}")


def test_dry_run_changes_nothing(there, chart, corral_chart, get):
    ran = corral_chart("install", "a", chart, "--dry-run")
    assert "STATUS: pending-install" in ran.out and "MANIFEST:" in ran.out
    assert get("secrets")["items"] == []
    corral_chart("install", "a", chart)
    assert "tag" not in corral_chart("upgrade", "a", chart, "--dry-run", "--set", "tag=9").err
    assert deployment(get)["spec"]["template"]["spec"]["containers"][0]["image"] == "web:1"


def test_hooks_run_in_order_and_are_deleted_by_their_policies(there, make, corral_chart, helm, get):
    hook = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{{{ .Release.Name }}}}-{0}\n"
        "  annotations:\n    helm.sh/hook: {1}\n"
        "    helm.sh/hook-weight: '{2}'\n    helm.sh/hook-delete-policy: {3}\n"
    )
    files = {
        "templates/hooks.yaml": "---\n".join(
            [
                hook.format("late", "pre-install", 5, "before-hook-creation"),
                hook.format("early", "pre-install,post-upgrade", -5, "hook-succeeded"),
                hook.format("after", "post-install", 0, "before-hook-creation"),
            ]
        ),
        "templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}-real}\n",
    }
    folder = str(make("hooks", files))
    for program, name in ((corral_chart, "ours"), (helm, "theirs")):
        assert program("install", name, folder).code == 0
        assert program("upgrade", name, folder).code == 0
    found = {c["metadata"]["name"] for c in get("configmaps")["items"]}
    assert {n.removeprefix("ours-") for n in found if n.startswith("ours")} == {
        n.removeprefix("theirs-") for n in found if n.startswith("theirs")
    }
    hooks = json.loads(corral_chart("get", "hooks", "ours", "-o", "json").out)
    runs = {h["name"]: h["last_run"] for h in hooks}
    assert runs["ours-early"]["phase"] == "Succeeded"


def test_a_hook_that_fails_is_a_failed_install(there, make, corral_chart, get):
    folder = str(
        make(
            "badhook",
            {
                "templates/h.yaml": "apiVersion: v1\nkind: Service\nspec: {ports: [{port: 1}]}\n"
                "metadata: {name: UPPER, annotations: {helm.sh/hook: pre-install}}\n",
                "templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: real}\n",
            },
        )
    )
    ran = corral_chart("install", "a", folder)
    assert ran.err.startswith(
        "Error: INSTALLATION FAILED: failed pre-install: warning: Hook pre-install badhook/templates/h.yaml failed: "
    )
    assert get("configmaps", "real") is None


def test_definitions_come_first_and_their_objects_work(there, make, corral_chart, helm):
    crd = """apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.charts.example}
spec:
  group: charts.example
  names: {plural: gadgets, singular: gadget, kind: Gadget}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""
    gadget = "apiVersion: charts.example/v1\nkind: Gadget\nmetadata: {name: {{ .Release.Name }}}\n"
    gadget += "spec:\n{{ toYaml .Values.spec | indent 2 }}\n"
    folder = str(
        make("crds", {"crds/gadget.yaml": crd, "templates/a.yaml": gadget, "values.yaml": "spec: {a: 1, b: [1, 2]}\n"})
    )
    assert corral_chart("install", "a", folder).code == 0
    assert corral_chart("upgrade", "a", folder, "--set", "spec.a=null,spec.c=3").code == 0
    assert helm("upgrade", "a", folder, "--set", "spec.c=4").code == 0
    assert corral_chart("uninstall", "a").code == 0


def test_lookup_reads_the_cluster(there, make, corral, corral_chart, get):
    corral.request(
        "POST",
        f"/api/v1/namespaces/{there}/configmaps",
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "there"}, "data": {"k": "v"}},
    )
    text = (
        MAP + '{name: found}\ndata:\n  k: {{ (lookup "v1" "ConfigMap" .Release.Namespace "there").data.k }}\n'
        '  none: {{ lookup "v1" "ConfigMap" .Release.Namespace "nope" | toJson | quote }}\n'
        '  all: {{ len (lookup "v1" "ConfigMap" .Release.Namespace "").items | quote }}\n'
        "  version: {{ .Capabilities.KubeVersion.Version }}\n"
        '  has: {{ .Capabilities.APIVersions.Has "apps/v1/Deployment" | quote }}\n'
    )
    assert corral_chart("install", "a", str(make("lookup", {"templates/a.yaml": text}))).code == 0
    data = get("configmaps", "found")["data"]
    assert (data["k"], data["none"], data["has"]) == ("v", "{}", "true")
    assert data["version"].startswith("v1.36")


def test_diff_shows_what_an_upgrade_would_change(there, chart, make, corral_chart, get):
    corral_chart("install", "a", chart)
    assert corral_chart("diff", "a", chart).out == ""
    ran = corral_chart("diff", "a", chart, "--set", "replicas=3,extra=true", "--detailed-exitcode")
    assert ran.code == 2
    assert "-  replicas: 1\n+  replicas: 3\n" in ran.out
    assert "ConfigMap a-extra (v1) is added:" in ran.out
    assert "\033[32m+" in corral_chart("diff", "a", chart, "--set", "replicas=3", "--color", "always").out
    assert deployment(get)["spec"]["replicas"] == 1
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: {{ .Values.password }}}\n"
    folder = str(make("secret", {"templates/s.yaml": secret, "values.yaml": "password: hunter1\n"}))
    corral_chart("install", "s", folder)
    shown = corral_chart("diff", "s", folder, "--set", "password=hunter2").out
    assert "REDACTED" in shown and "hunter" not in shown


def test_a_wait_that_takes_too_long_says_what_is_not_ready(there, chart, corral_chart):
    ran = corral_chart("install", "a", chart, "--wait", "--timeout", "1s")
    assert ran.code == 1
    assert ran.err.rstrip() == "Error: INSTALLATION FAILED: timed out waiting for the condition"
    assert json.loads(corral_chart("list", "-o", "json").out)[0]["status"] == "failed"


def test_configmaps_can_hold_releases(there, chart, corral_chart, helm, monkeypatch, get):
    monkeypatch.setenv("HELM_DRIVER", "configmap")
    corral_chart("install", "a", chart)
    assert helm("upgrade", "a", chart).code == 0
    assert corral_chart("history", "a").out == helm("history", "a").out
    assert get("secrets")["items"] == []


def test_post_renderers_rewrite_the_manifests(there, chart, tmp_path, corral_chart, helm, get):
    script = tmp_path / "post"
    script.write_text("#!/bin/sh\nsed s/web:1/web:$1/\n")
    script.chmod(0o755)
    words = ["template", "a", chart, "--post-renderer", str(script), "--post-renderer-args", "rewritten"]
    assert corral_chart(*words).out == helm(*words).out
    corral_chart("install", "a", chart, "--post-renderer", str(script), "--post-renderer-args", "rewritten")
    assert deployment(get)["spec"]["template"]["spec"]["containers"][0]["image"] == "web:rewritten"
    script.write_text("#!/bin/sh\necho broken >&2\nexit 3\n")
    ours, theirs = (
        corral_chart("template", "a", chart, "--post-renderer", str(script)),
        helm("template", "a", chart, "--post-renderer", str(script)),
    )
    assert ours.err.rstrip() == theirs.err.rstrip()


def test_a_damaged_revision_harms_no_other(there, chart, corral, corral_chart, get):
    for name in ("a", "b"):
        corral_chart("install", name, chart)
        corral_chart("upgrade", name, chart)
    for key in ("a.v1", "b.v2"):
        path = f"/api/v1/namespaces/{there}/secrets/sh.helm.release.v1.{key}"
        secret = corral.request("GET", path)
        secret["data"]["release"] = base64.b64encode(b"H4sIbroken").decode()
        corral.request("PUT", path, secret)
    listed = corral_chart("list", "-q")
    assert (listed.code, listed.out) == (0, "a\n")
    assert "is damaged: " in listed.err and f"(secret sh.helm.release.v1.b.v2 in namespace {there})" in listed.err
    assert corral_chart("upgrade", "a", chart).code == 0
    assert [r["revision"] for r in json.loads(corral_chart("history", "a", "-o", "json").out)] == [2, 3]
    for words in (["upgrade", "b", chart], ["uninstall", "b"], ["status", "b"], ["history", "b"], ["rollback", "b"]):
        ran = corral_chart(*words)
        assert ran.code == 1 and "sh.helm.release.v1.b.v2" in ran.err and "Traceback" not in ran.err, words
    assert corral_chart("uninstall", "a").code == 0


def test_a_template_can_take_what_it_wants_of_a_release(there, chart, corral_chart, helm):
    corral_chart("install", "a", chart, "--set", "tag=2")
    for template in (
        "{{ .Release.Name }} {{ .Release.Version }} {{ .Release.Info.Status }} {{ .Release.Info.LastDeployed }}",
        "{{ .Release.Chart.Metadata.Version }} {{ .Release.Chart.Metadata.APIVersion }} {{ .Release.Config.tag }}",
        "{{ .Release.Manifest }}{{ range .Release.Hooks }}{{ .Name }}{{ end }}{{ .Release.Info.Notes }}",
    ):
        words = ["get", "all", "a", "--template", template]
        assert corral_chart(*words).out == helm(*words).out != ""
