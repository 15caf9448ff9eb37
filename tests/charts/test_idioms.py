"""A chart of the idioms that widely used charts are written in comes out as with Helm, whatever the command line says."""

from pathlib import Path

import pytest

CHART = str(Path(__file__).parent / "idioms/app")
#: Who logs this; Helm says it with the place in its source.
HOOK = 'info: skipping unknown hook: "unknown-hook"\n'


@pytest.mark.parametrize(
    "words",
    [
        "",
        "--is-upgrade --namespace other",
        "--include-crds --skip-tests",
        "--no-hooks --include-crds --skip-crds",
        "--kube-version 1.18",
        "--kube-version 1.30.2 -a networking.k8s.io/v1/Ingress -a monitoring.coreos.com/v1",
        "--kube-version 1.13.1",
        "-s templates/ingress.yaml -s templates/flow.yaml",
        "-s templates/sub/*.yaml",
        "-s charts/primary/templates/x.yaml",
        "-s charts/db/templates/x.yaml",
        "--set replicaCount=11,ingress.hosts=null",
        "--set image.tag=null,image.digest=sha256:1,global.imageRegistry=r.io",
        "--set image=null",
        "--set primary.enabled=null,tags.database=false",
        "--set primary.enabled=false,replica.enabled=true --render-subchart-notes",
        "--set replica.enabled=true,replica.inner.on=false",
        "--set-string image.tag=1.10 --set config.server.list={1,2,x},env.X=\\,y,nameOverride=other",
        '--set-json config={"a":[1,2,null]}',
        "--set users[0].name=zoe,users[2].name=yves,a[1]=b",
        "--set fullnameOverride=a-name,commonLabels=null",
        "--post-renderer cat",
    ],
)
def test_it_is_rendered_as_helm_renders_it(words, helm, corral_chart):
    ours = corral_chart("template", "rel", CHART, *words.split())
    theirs = helm("template", "rel", CHART, *words.split())
    assert (ours.code, ours.out) == (theirs.code, theirs.out)
    logged = theirs.err.replace("manifest_sorter.go:192: ", "")
    assert ours.err.replace(HOOK, "") == logged.replace(HOOK, "")


@pytest.mark.parametrize(
    "words", ["lint", "lint --strict", "lint --with-subcharts", "lint --quiet", "show chart", "show crds", "dependency list"]
)
def test_it_is_looked_at_as_helm_looks_at_it(words, helm, corral_chart):
    ours, theirs = corral_chart(*words.split(), CHART), helm(*words.split(), CHART)
    assert ours == theirs


@pytest.mark.parametrize("program", ["no-such-program", "./no-such-program", "/etc/passwd", "/etc"])
def test_a_post_renderer_that_cannot_be_run(program, helm, corral_chart):
    words = ("template", "rel", CHART, "--post-renderer", program)
    ours, theirs = corral_chart(*words), helm(*words)
    assert (ours.code, ours.err.strip()) == (theirs.code, theirs.err.strip())


@pytest.mark.parametrize("words", ["--include-crds", "--include-crds --release-name"])
def test_files_are_written_as_helm_writes_them(words, helm, corral_chart, tmp_path):
    told = {}
    for name, run in (("ours", corral_chart), ("theirs", helm)):
        ran = run("template", "rel", CHART, "--output-dir", str(tmp_path / name), *words.split())
        told[name] = ran.out.replace(f"{tmp_path / name}/", "")
    assert told["ours"] == told["theirs"]
    ours, theirs = (
        {str(p.relative_to(tmp_path / n)): p.read_text() for p in (tmp_path / n).rglob("*") if p.is_file()}
        for n in ("ours", "theirs")
    )
    # Where a file has hooks, Helm writes them over the file's other manifests; these are kept here.
    mixed = ("rel/" if "--release-name" in words else "") + "app/charts/primary/charts/inner/templates/i.yaml"
    assert ours.pop(mixed).endswith(theirs.pop(mixed))
    assert ours == theirs
    assert len(ours) > 10
