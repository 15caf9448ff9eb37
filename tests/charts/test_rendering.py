"""What a chart's folders, values and dependencies make of it: byte for byte what Helm makes."""

import pytest

SHOW = "values: {{ toJson .Values | quote }}\nchart: {{ .Chart.Name }} {{ .Template.Name }} {{ .Release.Name }}\n"


def chart(name, version="0.1.0", more=""):
    return f"apiVersion: v2\nname: {name}\nversion: {version}\n{more}"


PARENT = {
    "Chart.yaml": chart(
        "parent",
        more="""dependencies:
- {name: sub, version: 0.1.0, condition: "sub.enabled,other.enabled", tags: [front]}
- {name: sub, version: ">=0.1", alias: again, tags: [back]}
- {name: lib, version: 0.x}
- {name: giver, version: 0.1.0, import-values: [data, {child: deep.down, parent: got.here}, nothing]}
- {name: wrong, version: 9.x.x}
""",
    ),
    "values.yaml": """a: 1
table: {x: 1, y: {z: 2}}
gone: {k: v, l: w}
global: {one: 1, map: {p: q}}
sub: {name: from parent, list: [1], deep: {a: null}}
giver: {own: 2}
mine: null
""",
    "templates/show.yaml": SHOW,
    "templates/lib.yaml": 'lib: {{ include "lib.name" . }}\n',
    "charts/sub/Chart.yaml": chart("sub"),
    "charts/sub/values.yaml": "name: sub\nlist: [1, 2]\ndeep: {a: 1, b: 2}\nglobal: {one: 2, two: 2, map: {r: s}}\n",
    "charts/sub/templates/show.yaml": SHOW,
    "charts/sub/charts/leaf/Chart.yaml": chart("leaf"),
    "charts/sub/charts/leaf/values.yaml": "leaf: true\n",
    "charts/sub/charts/leaf/templates/show.yaml": SHOW,
    "charts/lib/Chart.yaml": chart("lib", more="type: library\n"),
    "charts/lib/values.yaml": "library: values\n",
    "charts/lib/templates/_names.tpl": '{{ define "lib.name" }}{{ .Release.Name }}-lib{{ end }}',
    "charts/lib/templates/not.yaml": "this: is not rendered\n",
    "charts/giver/Chart.yaml": chart("giver"),
    "charts/giver/values.yaml": "exports: {data: {gift: 1, table: {x: 9, given: 1}}}\ndeep: {down: {v: w}}\nown: 1\n",
    "charts/giver/templates/show.yaml": SHOW,
    "charts/wrong/Chart.yaml": chart("wrong"),
    "charts/wrong/templates/show.yaml": SHOW,
    "charts/unnamed/Chart.yaml": chart("unnamed"),
    "charts/unnamed/templates/show.yaml": SHOW,
    "charts/_hidden/Chart.yaml": chart("hidden"),
    "charts/.dot/Chart.yaml": chart("dot"),
    "templates/NOTES.txt": "notes {{ .Values.a }}\n",
    "charts/sub/templates/NOTES.txt": "sub notes\n",
    "crds/a.yaml": "apiVersion: x\nkind: CustomResourceDefinition\nmetadata: {name: a}\n",
    "charts/sub/crds/b.yaml": "kind: CustomResourceDefinition\nmetadata: {name: b}\n",
}
OPTIONS = [
    "",
    "--include-crds",
    "--set sub.enabled=false",
    "--set sub.enabled=true,tags.front=false",
    "--set tags.front=false",
    "--set tags.back=false,tags.front=true",
    "--set tags.back=false,other.enabled=false",
    "--set sub=null",
    "--set sub.name=null",
    "--set gone=null",
    "--set gone.k=null",
    "--set table.y=null,table.n=1",
    "--set list[1].a=",
    "--set new.list[0] --set other[0][1]",
    "--set list[0].",
    "--set list[0][1].a= --set other[1]=",
    "--set table=4",
    "--set a.b=4",
    "--set global.one=5,global.map.p=null",
    "--set global.map=3",
    "--set sub.global.one=7,sub.global.map.t=u",
    "--set sub.leaf.leaf=false,again.name=second",
    "--set giver.exports.data.gift=2,got.here.v=mine",
    "--set gift=7,table.given=8",
    "--set-string a=1,table.x=true",
    '--set-json table={"x":[1,2.5]},a=null',
    "--set a=1000000,table.x=12345678901234",
    "--set sub.list[1]=x,sub.list[3].y=1",
    "--set mine=1,n.e.s.t.e.d[0][1].x=1",
    "--set e={},f={a,b\\,c},g=,h=0x10,i=-7,j=+3,k=TRUE,l=Null,m=007",
]


@pytest.mark.parametrize("options", OPTIONS)
def test_values_and_dependencies_are_those_of_helm(options, make, helm, corral_chart):
    folder = str(make("parent", PARENT))
    words = ["template", "name", folder, *options.split()]
    theirs, ours = helm(*words), corral_chart(*words)
    assert ours.out == theirs.out
    assert ours.code == theirs.code == 0


@pytest.mark.parametrize("more", ["deprecated: true\n", "deprecated: true\ndependencies: [{name: gone, version: 1}]\n"])
def test_a_deprecated_chart_is_told_of(more, make, helm, corral_chart):
    folder = str(make("old", {"Chart.yaml": chart("old", more=more), "templates/show.yaml": SHOW}))
    theirs, ours = helm("template", "name", folder), corral_chart("template", "name", folder)
    assert "deprecated" in theirs.err
    assert (ours.code, ours.out, ours.err.strip()) == (theirs.code, theirs.out, theirs.err.strip())


TYPES = """{{ define "type" }}{{ typeOf . }} {{ . }} {{ printf "%T %d" . . }}{{ end -}}
one: {{ include "type" .Values.a }}
copied: {{ include "type" (deepCopy .Values).a }}, {{ include "type" (merge (dict) .Values).a }}
in a list: {{ range .Values.list }}{{ include "type" . }}, {{ end }}
through text: {{ include "type" (.Values | toYaml | fromYaml).a }}
a string: {{ lower .Values.lowered }}
"""


@pytest.mark.parametrize(
    "words",
    [
        "--set a=5,list[0]=0,list[1]=-7,lowered=A",
        "--set-json a=5,list=[0,-7] --set lowered=A",
        "--set-string a=5,list[0]=0 --set lowered=A",
        "--set a=5,lowered=7",
        "--set-json lowered=7",
    ],
)
def test_numbers_have_the_types_that_they_have_in_helm(words, make, helm, corral_chart):
    folder = str(make("types", {"values.yaml": "a: 1\nlist: [1, 2, 3]\n", "templates/types.yaml": TYPES}))
    theirs, ours = helm("template", "name", folder, *words.split()), corral_chart("template", "name", folder, *words.split())
    assert (ours.code, ours.out, ours.err.strip()) == (theirs.code, theirs.out, theirs.err.strip())


@pytest.mark.parametrize(
    "options",
    [
        "--set table=4,sub.deep=1",
        "--set table.x.y=1,sub.name.a=b,list.a=b",
        "--set sub.global.map.p.q=1",
        "--set global.map.r.s=1,sub.global.map.p.q=1",
        "--set global.map.r=1,sub.global.map.r.s=1",
        "--set sub.global.one.two=1",
        "--set sub.global.map=1,global.map.x=1",
        "--set sub.global=1",
        "--set global=1",
    ],
)
def test_values_passed_over_are_told_as_helm_tells_it(options, make, helm, corral_chart):
    """In any order: Helm has none."""
    words = ["template", "name", str(make("parent", PARENT)), *options.split()]
    theirs, ours = helm(*words), corral_chart(*words)
    assert (ours.code, ours.out) == (theirs.code, theirs.out)
    told = [line.split(": ", 1)[1] for line in theirs.err.splitlines()]
    assert sorted(ours.err.splitlines()) == sorted(told)


@pytest.mark.parametrize(
    "what",
    ["new.b,c=1", "list[0]yz=1", "list[x]=1", "list[-1]=1", "list[0", "a.b=1,a.b.c=2", "new.", "x={a", ".=1,", "new[0].b,"],
)
def test_what_is_no_value_is_told_as_helm_tells_it(what, make, helm, corral_chart):
    chart = str(make("parent", PARENT))
    ours, theirs = corral_chart("template", chart, "--set", what), helm("template", chart, "--set", what)
    assert (ours.code, ours.err.rstrip()) == (theirs.code, theirs.err.rstrip())


def test_hooks_tests_and_kinds_are_ordered_as_helm_orders_them(make, helm, corral_chart):
    kinds = ["Zebra", "Service", "Secret", "Deployment", "Namespace", "Aardvark", "ConfigMap", "Job", "Role", "Ingress"]
    documents = [f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: a{i}}}\n" for i, kind in enumerate(kinds)]
    hook = "apiVersion: v1\nkind: {}\nmetadata:\n  name: {}\n"
    hook += "  annotations: {{'helm.sh/hook': '{}', 'helm.sh/hook-weight': '{}'}}\n"
    files = {
        "templates/all.yaml": "---\n" + "\n---\n".join(documents) + "---\n# only a comment\n---\n\n--- \nkind: Last\n",
        "templates/hooks.yaml": "---\n".join(
            [
                hook.format("Job", "b", "pre-install, post-upgrade", "5"),
                hook.format("ConfigMap", "a", "test", "-3"),
                hook.format("Pod", "c", "test-success", "x"),
                hook.format("Pod", "d", "no-such-hook", "1"),
            ]
        ),
        "templates/empty.yaml": "{{/* nothing */}}\n",
        "templates/_partial.yaml": "kind: Never\n",
        "templates/sub/folder.yml": "kind: Folder\n",
        "templates/crlf.yaml": "kind: A\r\nmetadata: {}\r\n---\r\nkind: B\r\n",
    }
    folder = str(make("order", files))
    for options in (
        [],
        ["--skip-tests"],
        ["--no-hooks"],
        ["-s", "templates/all.yaml"],
        ["-s", "templates/h*", "-s", "templates/sub/*"],
    ):
        words = ["template", "x", folder, *options]
        assert corral_chart(*words).out == helm(*words).out, options


MISTAKES = {
    "no Chart.yaml": ({"Chart.yaml": None, "templates/a.yaml": "a: b"}, []),
    "no version": ({"Chart.yaml": "apiVersion: v2\nname: x\n"}, []),
    "no name": ({"Chart.yaml": "apiVersion: v2\nversion: 1.2.3\n"}, []),
    "bad version": ({"Chart.yaml": chart("x", "one")}, []),
    "bad type": ({"Chart.yaml": chart("x", more="type: bogus\n")}, []),
    "a library": ({"Chart.yaml": chart("x", more="type: library\n")}, []),
    "alias": ({"Chart.yaml": chart("x", more="dependencies: [{name: a, alias: 'a b', version: 1.x}]\n")}, []),
    "twice": ({"Chart.yaml": chart("x", more="dependencies: [{name: a, version: 1.x}, {name: a, version: 1.x}]\n")}, []),
    "missing": ({"Chart.yaml": chart("x", more="dependencies: [{name: a, version: 1.x}, {name: b, version: 2.x}]\n")}, []),
    "kube version": ({"Chart.yaml": chart("x", more='kubeVersion: ">=1.30"\n')}, []),
    "kube version said": ({"Chart.yaml": chart("x", more='kubeVersion: ">=1.30"\n')}, ["--kube-version", "1.29.3"]),
    "values list": ({"values.yaml": "- a\n"}, []),
    "values broken": ({"values.yaml": "a: [\n"}, []),
    "chart broken": ({"Chart.yaml": "a: b: c\n"}, []),
    "manifest broken": ({"templates/a.yaml": "a: b\n c: d\n"}, []),
    "manifest list": ({"templates/a.yaml": "- a\n- b\n"}, []),
    "kind is a map": ({"templates/a.yaml": "kind: {a: b}\n"}, []),
    "annotation is a number": ({"templates/a.yaml": "kind: A\nmetadata: {annotations: {a: 1, b: true}}\n"}, []),
    "sub is no table": ({"Chart.yaml": chart("x"), "charts/s/Chart.yaml": chart("s")}, ["--set", "s=1"]),
    "sub broken": ({"charts/s/Chart.yaml": "name: s\n"}, []),
    "sub no chart": ({"charts/README.md": "hi"}, []),
    "not an archive": ({"charts/s.tgz": "no archive"}, []),
    "set": ({}, ["--set", "a"]),
    "set dot": ({}, ["--set", "a.b"]),
    "set bracket": ({}, ["--set", "a[x]=1"]),
    "set brace": ({}, ["--set", "a={1,2"]),
    "set negative": ({}, ["--set", "a[-1]=1"]),
    "set huge": ({}, ["--set", "a[99999]=1"]),
    "set over": ({"values.yaml": "a: x\n"}, ["--set", "a=1,a.b=1"]),
    "set json": ({}, ["--set-json", "a={"]),
    "set file": ({}, ["--set-file", "a=/no/such/file"]),
    "no values file": ({}, ["-f", "/no/such/file"]),
    "no such template": ({"templates/a.yaml": "a: b"}, ["-s", "templates/b.yaml"]),
    "flag": ({}, ["--no-such-flag"]),
    "shorthand": ({}, ["-z"]),
    "argument": ({}, ["--set"]),
    "boolean": ({}, ["--skip-tests=maybe"]),
    "duration": ({}, ["--timeout", "5"]),
    "schema": ({"values.schema.json": '{"required": ["need"]}'}, []),
    "schema type": ({"values.schema.json": '{"properties": {"a": {"type": "string"}}}'}, ["--set", "a=1"]),
    "kube version no version": ({}, ["--kube-version", "latest"]),
    "kube version before the chart": ({"Chart.yaml": None}, ["--kube-version", "latest"]),
    "set before the chart": ({"Chart.yaml": None}, ["--set", "a"]),
    "set before the chart is told of": (
        {"Chart.yaml": "apiVersion: v2\nname: x\nversion: 0.1.0\ndeprecated: true\n"},
        ["--set", "a"],
    ),
    "control characters": ({"v.yaml": "a: \x01\n", "values.yaml": "a: \x01\n"}, []),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_told_as_helm_tells_them(name, make, helm, corral_chart):
    files, options = MISTAKES[name]
    folder = make("x", {k: v for k, v in files.items() if v is not None})
    if files.get("Chart.yaml", "") is None:
        (folder / "Chart.yaml").unlink()
    words = ["template", "rel", str(folder), *options]
    theirs, ours = helm(*words), corral_chart(*words)
    assert ours.err.rstrip() == theirs.err.rstrip()
    assert (ours.code, ours.out) == (theirs.code, theirs.out)


_TYPES = "{{ typeOf . }} {{ typeOf .Values }} {{ kindOf .Values }}"
_OF_PARTS = """
{{ range $name, $value := .Values }}{{ $name }}: {{ typeOf $value }}, {{ end }}{{ range .Subcharts }}{{ typeOf . }}{{ end }}
{{ dig "a" "b" "no" (.Values.sub | default dict) }} {{ (.Values.sub).YAML }} {{ dig "a" "b" "none" (merge .Values dict) }}
"""


@pytest.mark.parametrize("words", [(), ("--set", "sub.a.b=2,sub.inner.c=3")])
def test_values_of_subcharts_are_plain_maps_for_their_parents(words, make, helm, corral_chart):
    text = f"a: |{_TYPES}{_OF_PARTS}".replace("|", "|\n").replace("\n", "\n  ")
    text = text.replace(".Values.sub |\n  ", ".Values.sub | ")
    below = "charts/sub/"
    folder = make(
        "x",
        {
            "values.yaml": "sub: {a: {b: 1}, YAML: mine}\nother: {c: d}\n",
            "templates/a.yaml": text,
            f"{below}Chart.yaml": "apiVersion: v2\nname: sub\nversion: 0.1.0\n",
            f"{below}templates/a.yaml": text.replace("(.Values.sub).YAML", '(.Values.Table "a").b'),
            f"{below}charts/inner/Chart.yaml": "apiVersion: v2\nname: inner\nversion: 0.1.0\n",
            f"{below}charts/inner/templates/a.yaml": f"a: {_TYPES}",
        },
    )
    command = ("template", "rel", str(folder), *words)
    assert corral_chart(*command) == helm(*command)


@pytest.mark.parametrize("name", ["Upper", "a_b", "a" * 54, "a-"])
def test_names_that_are_none(name, make, helm, corral_chart):
    folder = str(make("x", {}))
    theirs, ours = helm("template", name, folder), corral_chart("template", name, folder)
    assert ours.err.rstrip() == theirs.err.rstrip()
    assert ours.code == theirs.code == 1


def test_files_are_ignored_as_helm_ignores_them(make, helm, corral_chart):
    show = "{{ range $name, $data := .Files }}- {{ $name }}\n{{ end }}"
    files = {
        "templates/show.yaml": show,
        "templates/.hidden.yaml": "kind: Hidden\n",
        ".helmignore": "# comment\n*.bak\n/top.txt\ndocs/\nfiles/*.md\n[ab]?.dat\n\\#odd\n",
        **dict.fromkeys(
            ("a.bak", "top.txt", "docs/a.txt", "in/top.txt", "files/a.md", "files/in/a.md", "a1.dat", "c1.dat"), "x"
        ),
        **dict.fromkeys(("#odd", "in/docs/b.txt", "LICENSE", "README.md", "in/b2.dat"), "x"),
    }
    folder = str(make("ignore", files))
    assert corral_chart("template", "x", folder).out == helm("template", "x", folder).out


def test_old_charts_with_requirements(make, helm, corral_chart):
    files = {
        "Chart.yaml": "name: old\nversion: 0.1.0\n",
        "requirements.yaml": "dependencies: [{name: sub, version: 0.1.0, condition: on, repository: ''}]\n",
        "values.yaml": "on: false\n",
        "templates/show.yaml": SHOW + "files: {{ range $n, $d := .Files }}{{ $n }} {{ end }}\n",
        "charts/sub/Chart.yaml": chart("sub"),
        "charts/sub/templates/show.yaml": SHOW,
    }
    folder = str(make("old", files))
    for options in ([], ["--set", "on=true"]):
        words = ["template", "x", folder, *options]
        assert corral_chart(*words).out == helm(*words).out


def test_the_locale_does_not_matter(make):
    import os
    import subprocess
    import sys

    folder = make("x", {"templates/a.yaml": 'a: "ünï {{ "日本" }}"\n'})
    environ = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "corral", "chart", "template", str(folder)]
    ran = subprocess.run(command, env=environ, capture_output=True, timeout=60, check=True)
    assert 'a: "ünï 日本"'.encode() in ran.stdout


def test_a_full_disk_is_told_as_such():
    import errno

    from corral.cli.chart.failures import told

    found = told(OSError(errno.ENOSPC, "No space left on device"))
    assert found is not None and found.message == "no space left on device"
    found = told(OSError(errno.EROFS, "Read-only file system", "/Some/where"))
    assert found is not None and found.message == "/Some/where: read-only file system"


def test_a_mistyped_command_is_guessed(corral_chart, capfd):
    from corral.cli.chart.main import main

    for words, meant in ((["instal", "a", "b"], "install"), (["repo", "ad", "x"], "repo add"), (["hist"], None)):
        assert main(words) == 1
        err = capfd.readouterr().err
        assert ("did you mean: " in err and meant in err) if meant else "did you mean" not in err
    assert corral_chart("help", "install").out == corral_chart("install", "--help").out
    assert "corral chart repo COMMAND" in corral_chart("repo").out
