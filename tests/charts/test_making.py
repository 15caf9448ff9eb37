"""Making charts, examining and packing them: what Helm says and makes."""

import json
import re
import tarfile

import pytest

from corral.charts.lint import deprecations

VARIANTS = (
    "",
    "serviceAccount.create=false,nodeSelector.a=b,tolerations[0].key=x,affinity.z=y,podAnnotations.p=q,imagePullSecrets[0].name=s",
    "serviceAccount.create=false,serviceAccount.name=sa,nameOverride=other,resources.limits.cpu=1,replicaCount=3",
    "ingress.enabled=true,serviceAccount.annotations.k=v,fullnameOverride=full,image.tag=3",
    "ingress.enabled=true,ingress.className=n,ingress.annotations.a=b,ingress.tls[0].secretName=x,ingress.tls[0].hosts={a,b}",
)


@pytest.mark.parametrize("values", VARIANTS)
@pytest.mark.parametrize("release", ["x", "my-demo"])
def test_the_starter_renders_to_what_that_of_helm_renders_to(values, release, tmp_path, helm, corral_chart):
    ours, theirs = str(tmp_path / "ours" / "demo"), str(tmp_path / "theirs" / "demo")
    assert corral_chart("create", ours).code == helm("create", theirs).code == 1  # there is no folder for it
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
    assert corral_chart("create", ours).code == helm("create", theirs).code == 0
    assert helm("template", release, ours, "--set", values).out == helm("template", release, theirs, "--set", values).out
    assert (
        corral_chart("template", release, ours, "--set", values).out == helm("template", release, theirs, "--set", values).out
    )


def test_the_starter_has_the_files_of_that_of_helm(tmp_path, helm, corral_chart):
    corral_chart("create", str(tmp_path / "ours"))
    helm("create", str(tmp_path / "theirs"))

    def files(name):
        return sorted(p.relative_to(tmp_path / name).as_posix() for p in (tmp_path / name).rglob("*"))

    assert files("ours") == files("theirs")
    assert corral_chart("lint", str(tmp_path / "ours")).out == helm("lint", str(tmp_path / "ours")).out
    assert corral_chart("create", str(tmp_path / "a b")).code == helm("create", str(tmp_path / "a b")).code == 1


CHART = "apiVersion: v2\nname: x\nversion: 0.1.0\nicon: https://example.org/icon.png\n"
LINTED = {
    "good": {
        "Chart.yaml": CHART,
        "values.yaml": "",
        "templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
    },
    "bare": {},
    "types": {"Chart.yaml": "apiVersion: v2\nname: x\nversion: 1\nappVersion: 1.2\n", "templates/a.yaml": ""},
    "urls": {"Chart.yaml": CHART + "sources: [foo]\nmaintainers: [{email: x}, {name: a, email: b}, {name: a, url: b}]\n"},
    "old": {"Chart.yaml": "apiVersion: v1\nname: x\nversion: 0.1.0\ntype: application\n", "templates/a.yaml": ""},
    "version": {"Chart.yaml": "apiVersion: v2\nname: x\nversion: latest\n", "templates/a.yaml": ""},
    "no name": {"Chart.yaml": "apiVersion: v3\n", "templates/a.yaml": ""},
    "values": {"Chart.yaml": CHART, "values.yaml": "a: [\n", "templates/a.yaml": ""},
    "nil": {"Chart.yaml": CHART, "values.yaml": "", "templates/a.yaml": "{{ .Values.x.y }}"},
    "required": {
        "Chart.yaml": CHART,
        "values.yaml": "",
        "templates/a.yaml": "a: {{ required `need` .Values.q }}\nmetadata: {name: a}\n",
    },
    "failing": {
        "Chart.yaml": CHART,
        "values.yaml": "",
        "templates/a.yaml": "a: {{ fail `no` }}{{ required `one` `` }}\nmetadata: {name: a}\n",
    },
    "null": {
        "Chart.yaml": CHART,
        "values.yaml": "a: {b: 1}\n",
        "templates/a.yaml": "a: {{ .Values.a.b }}\nmetadata: {name: a}\n",
    },
    "ending": {"Chart.yaml": CHART, "values.yaml": "", "templates/a.bar": "x"},
    "names": {
        "Chart.yaml": CHART,
        "values.yaml": "",
        "templates/a.yaml": "kind: Pod\nmetadata: {name: Bad_Name}\n---\nkind: Role\nmetadata: {name: 'system:x'}\n",
    },
    "gone": {
        "Chart.yaml": CHART,
        "values.yaml": "",
        "templates/a.yaml": "---\n".join(
            f"apiVersion: {api}\nkind: {kind}\nmetadata: {{name: a}}\nspec: {{selector: {{matchLabels: {{}}}}}}\n"
            for api, kind in deprecations.BY_KIND
        ),
    },
    "selector": {
        "Chart.yaml": CHART,
        "values.yaml": "",
        "templates/a.yaml": "kind: Deployment\nmetadata: {name: a}\nspec: {}\n",
    },
    "broken": {"Chart.yaml": CHART, "values.yaml": "", "templates/a.yaml": "a: b\n c: d\n"},
    "blank lines": {
        "Chart.yaml": CHART,
        "values.yaml": "",
        "templates/a.yaml": "\n{{ if true }}\n\nkind: A\nmetadata: {name: a}\nx: y: z\n{{ end }}",
        "templates/b.yaml": "---\n# b\nkind: B\nmetadata: {name: b}\n--- # next\nx: y: z\n",
    },
    "broken documents among others": {
        "Chart.yaml": CHART,
        "values.yaml": "",
        "templates/a.yaml": "a: b: c\n---\nkind: A\n---# comment\nkind: B\n--- x\n---\n---\n5\n---\nkind: C\n...\nkind: D\n---\r\nnull\n---",
        "templates/b.yaml": "# comment\n  kind: A\n",
        "templates/c.yaml": "  # comment\n",
        "templates/d.yaml": "\tkind: A\n",
        "templates/not-looked-at.yml": "a: b: c\n",
    },
    "fields of other types": {
        "Chart.yaml": CHART,
        "values.yaml": "",
        "templates/a.yaml": "---\n".join(
            [
                "kind: 5\nmetadata: {name: 7, namespace: true}\n",
                "kind: [A]\nmetadata: 5\n",
                "apiVersion: {a: b}\nmetadata: {name: []}\n",
                "[a]\n",
            ]
        ),
        "templates/b.yaml": "kind: List\nmetadata: {name: a}\nitems: 5\n",
        "templates/c.yaml": "kind: List\nmetadata: {name: a}\nitems: [5]\n",
        "templates/d.yaml": "kind: List\nitems: [{metadata: {annotations: {helm.sh/resource-policy: keep}}}]\n---\nkind: List\n",
    },
    "names by kind": {
        "Chart.yaml": CHART,
        "values.yaml": "",
        "templates/a.yaml": "---\n".join(
            f"kind: {kind}\nmetadata: {{name: {json.dumps(name)}}}\n"
            for kind in ("Service", "Namespace", "ServiceAccount", "Role", "CertificateSigningRequest", "FooList", "Other")
            for name in ("1abc", "a.b", "A", "", "a" * 64, "a/%b", "..", "é" * 300)
        ),
    },
    "schema": {
        "Chart.yaml": CHART,
        "values.yaml": "a: 1\n",
        "values.schema.json": '{"required": ["b"]}',
        "templates/a.yaml": "",
    },
    "dependencies": {
        "Chart.yaml": CHART + "dependencies: [{name: a, version: 1.x}]\n",
        "values.yaml": "",
        "templates/a.yaml": "",
        "charts/b/Chart.yaml": "apiVersion: v2\nname: b\nversion: 0.1.0\n",
    },
}


@pytest.mark.parametrize("name", LINTED)
def test_lint_finds_what_helm_finds(name, make, helm, corral_chart):
    folder = str(make("x", LINTED[name]))
    for options in ([], ["--strict"], ["--quiet"], ["--set", "a=null"], ["--set", "a=1"]):
        ours, theirs = corral_chart("lint", folder, *options), helm("lint", folder, *options)
        assert ours.out == theirs.out
        assert ours.code == theirs.code
        assert ours.err == re.sub(r"(?m)^[a-z]+\.go:\d+: ", "", theirs.err)


def test_an_archive_is_that_of_helm(make, tmp_path, helm, corral_chart):
    folder = str(
        make(
            "web",
            {
                "values.yaml": "a: 1 # comment\n",
                "templates/a.yaml": "a: 1\n",
                "LICENSE": "free\n",
                "README.md": "# web\n",
                "crds/c.yaml": "c: 1\n",
                ".helmignore": "*.bak\n",
                "b.bak": "x",
                "charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 0.1.0\n",
                "charts/sub/templates/b.yaml": "b: 1\n",
                "values.schema.json": "{}",
            },
        )
    )
    for program, where in ((corral_chart, "ours"), (helm, "theirs")):
        ran = program("package", folder, "-d", str(tmp_path / where), "--version", "1.2.3", "--app-version", "7")
        assert ran.out == f"Successfully packaged chart and saved it to: {tmp_path / where}/web-1.2.3.tgz\n"

    def content(where):
        with tarfile.open(tmp_path / where / "web-1.2.3.tgz") as archive:
            return {m.name: archive.extractfile(m).read() for m in archive}

    assert content("ours") == content("theirs")
    for where in ("ours", "theirs"):
        packed = str(tmp_path / where / "web-1.2.3.tgz")
        for words in (("template", packed), ("show", "all", packed), ("dependency", "list", packed)):
            assert corral_chart(*words) == helm(*words)
    for part in ("all", "chart", "values", "readme", "crds"):
        for chart in (folder, str(tmp_path / "ours" / "web-1.2.3.tgz"), str(tmp_path / "theirs" / "web-1.2.3.tgz")):
            assert corral_chart("show", part, chart).out == helm("show", part, chart).out != ""
    for where in ("ours", "theirs"):
        words = "template", str(tmp_path / where / "web-1.2.3.tgz")
        assert corral_chart(*words).out == helm(*words).out
    assert corral_chart("package", folder, "--version", "latest").code == 1
    assert corral_chart("package", str(tmp_path / "nowhere")).code == 1


@pytest.mark.parametrize("folder", [".", "", "out", "out/", "./a/../out", "ABSOLUTE"])
def test_an_archive_is_named_as_its_folder_was(folder, make, tmp_path, monkeypatch, helm, corral_chart):
    chart = str(make("x", {}))
    monkeypatch.chdir(tmp_path)
    words = ("package", chart, *(["-d", folder.replace("ABSOLUTE", str(tmp_path / "there"))] if folder else []))
    assert corral_chart(*words) == helm(*words)


@pytest.mark.parametrize("version", ["latest", "1.2.3.4", "v1", "1.2.3+b"])
def test_an_archive_has_the_version_that_is_wished(version, make, tmp_path, helm, corral_chart):
    words = ("package", str(make("x", {})), "-d", str(tmp_path), "--version", version)
    assert corral_chart(*words) == helm(*words)


DEPENDENCIES = """apiVersion: v2
name: x
version: 0.1.0
dependencies:
- {name: there, version: 0.1.x, repository: "https://example.org/charts"}
- {name: there, version: ^2, repository: "file://../there"}
- {name: packed, version: ">=1"}
- {name: none, version: 1.0.0, repository: "@mine"}
- {name: ./odd, version: 1.0.0}
- {name: twice, version: 1.0.0}
- {name: misnamed, version: 3.0.0}
- {name: more, version: "not a range"}
"""


def test_dependencies_are_listed_as_by_helm(make, tmp_path, helm, corral_chart):
    files = {f"charts/{name}/Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: 0.1.5\n" for name in ("there", "more")}
    chart = make("x", {"Chart.yaml": DEPENDENCIES, **files, "charts/_README.md": "no chart"})
    for name, version in (
        ("packed", "1.2.0"),
        ("packed", "1.2.0-b"),
        ("twice", "1.0.0"),
        ("twice-more", "1.0.0"),
        ("extra", "3.0.0"),
    ):
        helm("package", str(make(name, {})), "-d", str(chart / "charts"), "--version", version)
    (chart / "charts" / "extra-3.0.0.tgz").rename(chart / "charts" / "misnamed-3.0.0.tgz")
    listed = corral_chart("dependency", "list", str(chart))
    assert listed == helm("dependency", "list", str(chart))
    states = {line.split("\t")[-1].strip() for line in listed.out.splitlines()}
    assert {"unpacked", "ok", "missing", "wrong version", "too many matches", "misnamed", "invalid version"} <= states
    bare = str(make("bare", {}))
    assert corral_chart("dependency", "list", bare) == helm("dependency", "list", bare)
    assert corral_chart("dependency", "list", bare, "--max-col-width", "5", "x").code == 1


@pytest.mark.parametrize("word", ["build", "update"])
def test_a_chart_without_dependencies_needs_none(word, make, helm, corral_chart):
    bare = make("bare", {})
    assert corral_chart("dependency", word, str(bare)) == helm("dependency", word, str(bare)) == (0, "", "")
    assert [file.name for file in bare.iterdir()] == ["Chart.yaml"]


def test_lint_names_the_whole_path_of_a_chart_that_lacks_dependencies(make, tmp_path, monkeypatch, helm, corral_chart):
    make("x", {"Chart.yaml": DEPENDENCIES, "charts/other/Chart.yaml": "apiVersion: v2\nname: other\nversion: 1.0.0\n"})
    monkeypatch.chdir(tmp_path / "charts")
    assert corral_chart("lint", "x").out == helm("lint", "x").out


@pytest.mark.parametrize("values", ["sub=1", "sub=null", "sub.a=1", "global=1"])
def test_lint_says_nothing_of_values_that_are_no_table_for_a_dependency(values, make, helm, corral_chart):
    named = CHART + "dependencies: [{name: sub, version: 1.0.0}]\n"
    files = {"Chart.yaml": named, "values.yaml": "sub: {a: 2}\n", "templates/a.yaml": "{{ .Values.sub }}"}
    folder = str(make("x", {**files, "charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 1.0.0\n"}))
    ours, theirs = corral_chart("lint", folder, "--set", values), helm("lint", folder, "--set", values)
    assert (ours.code, ours.out) == (theirs.code, theirs.out)
