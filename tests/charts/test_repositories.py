"""Repositories and registries: what ours fetches and sends, Helm fetches and sends, too."""

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.charts.registry import PASSWORD, USER, registry

FILES = {"values.yaml": "a: 1\n", "templates/a.yaml": "a: {{ .Values.a }} {{ .Chart.Version }}\n"}


@pytest.fixture
def own_home(tmp_path, monkeypatch):
    for kind in ("CONFIG", "CACHE", "DATA"):
        monkeypatch.setenv(f"HELM_{kind}_HOME", str(tmp_path / kind.lower()))
    monkeypatch.chdir(tmp_path)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path.startswith("/guarded/") and self.headers.get("Authorization") != "Basic am86c2VjcmV0":
            self.send_error(401)
            return
        self.path = self.path.replace("/guarded/", "/")
        super().do_GET()


@pytest.fixture
def served(tmp_path, make, helm, corral_chart, own_home):
    """A folder with three versions of a chart at a URL, one of them packed by Helm."""
    folder = tmp_path / "served"
    source = str(make("web", FILES))
    for version in ("0.1.0", "0.2.0", "0.3.0-beta.1"):
        program = helm if version == "0.2.0" else corral_chart
        assert program("package", source, "-d", str(folder), "--version", version).code == 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    assert corral_chart("repo", "index", str(folder)).code == 0
    yield url
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_index_is_that_of_helm(served, tmp_path, helm, corral_chart):
    folder = tmp_path / "served"

    def lines():
        return [x for x in (folder / "index.yaml").read_text().splitlines() if "created:" not in x and "generated:" not in x]

    corral_chart("repo", "index", str(folder), "--url", "http://x/y")
    ours = lines()
    helm("repo", "index", str(folder), "--url", "http://x/y")
    assert ours == lines()


def test_search_and_pull_as_helm_does(served, tmp_path, helm, corral_chart):
    assert corral_chart("repo", "add", "r", served).out == '"r" has been added to your repositories\n'
    for words in (
        ["repo", "list"],
        ["search", "repo"],
        ["search", "repo", "we", "-l"],
        ["search", "repo", "-l", "--devel"],
        ["search", "repo", "--version", "<0.2"],
        ["search", "repo", "nothing"],
        ["search", "repo", "-o", "json"],
        ["search", "repo", "-o", "yaml"],
        ["template", "x", "r/web"],
        ["template", "x", "r/web", "--version", "~0.1"],
        ["template", "x", "r/web", "--devel"],
        ["template", "x", "web", "--repo", served],
        ["template", "x", f"{served}/web-0.1.0.tgz"],
        ["show", "all", "r/web"],
        ["show", "values", "r/web"],
        ["show", "chart", "r/web", "--version", "0.1.0"],
        ["repo", "update"],
    ):
        assert corral_chart(*words).out == helm(*words).out, words
    for words in (
        ["pull", "r/nope"],
        ["pull", "x/web"],
        ["pull", "r/web", "--version", "7"],
        ["template", "x", "nope", "--repo", served],
        ["repo", "add", "r", "http://other"],
        ["repo", "remove", "x"],
        ["repo", "add", "a/b", served],
        ["search", "repo", "-r", "["],
        ["pull", "r/web", "--verify"],
    ):
        assert corral_chart(*words).err.rstrip() == helm(*words).err.rstrip(), words
    assert corral_chart("pull", "r/web", "--untar", "--untardir", "in", "-d", str(tmp_path / "got")).code == 0
    assert (tmp_path / "got/in/web/templates/a.yaml").read_text() == FILES["templates/a.yaml"]
    assert corral_chart("pull", "r/web", "--prov").out == helm("pull", "r/web", "--prov").out != ""
    assert corral_chart("repo", "index").code == helm("repo", "index").code == 1
    assert corral_chart("registry", "logout", "nowhere:1").err.rstrip() == "Error: not logged in"
    assert corral_chart("repo", "remove", "r").code == 0


def test_a_repository_that_asks_for_a_password(served, helm, corral_chart, tmp_path):
    url = f"{served}/guarded"
    assert "401" in corral_chart("repo", "add", "g", url).err
    assert corral_chart("repo", "add", "g", url, "--username", USER, "--password", PASSWORD).code == 0
    assert corral_chart("template", "x", "g/web").out == helm("template", "x", "g/web").out != ""
    assert (tmp_path / "config/repositories.yaml").stat().st_mode & 0o077 == 0


def test_a_repository_that_is_none(served, corral_chart, tmp_path):
    (tmp_path / "served/index.yaml").write_text("hello: [\n")
    assert corral_chart("repo", "add", "r", served).code == 1
    assert corral_chart("repo", "add", "r", "http://127.0.0.1:9").code == 1
    assert corral_chart("repo", "list").code == 1


def test_an_archive_that_is_not_what_the_index_says(served, corral_chart, tmp_path):
    corral_chart("repo", "add", "r", served)
    with (tmp_path / "served/web-0.2.0.tgz").open("ab") as file:
        file.write(b"more")
    assert "its digest is another" in corral_chart("pull", "r/web").err


@pytest.mark.parametrize("auth", ["", "basic", "token"])
def test_registries(auth, make, tmp_path, helm, corral_chart, own_home, monkeypatch):
    import io

    source = str(make("web", FILES))
    for version in ("0.1.0", "0.2.0+build.5"):
        corral_chart("package", source, "--version", version)
    with registry(auth) as store:
        at = f"oci://{store.address}/charts"
        if auth:
            assert "401" in corral_chart("push", "web-0.1.0.tgz", at).err
            monkeypatch.setattr("sys.stdin", io.StringIO("wrong\n"))
            assert corral_chart("registry", "login", store.address, "-u", USER, "--password-stdin").code == 1
            monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
            assert corral_chart("registry", "login", store.address, "-u", USER, "--password-stdin").code == 0
            assert (tmp_path / "config/registry/config.json").stat().st_mode & 0o077 == 0
        pushed = corral_chart("push", "web-0.1.0.tgz", at)
        assert pushed.code == 0 and f"Pushed: {store.address}/charts/web:0.1.0" in pushed.out
        assert helm("push", "web-0.2.0+build.5.tgz", at).code == 0
        # Helm has ours, and ours has Helm's.
        theirs = helm("template", "x", f"{at}/web", "--version", "0.1.0").out
        assert theirs.endswith(corral_chart("template", "x", f"{at}/web", "--version", "0.1.0").out)
        assert "0.2.0+build.5" in corral_chart("template", "x", f"{at}/web").out
        got = tmp_path / "got"
        assert corral_chart("pull", f"{at}/web", "--version", "<0.2", "-d", str(got)).code == 0
        assert (got / "web-0.1.0.tgz").read_bytes() == (tmp_path / "web-0.1.0.tgz").read_bytes()
        assert corral_chart("pull", f"{at}/web", "--version", "9").code == 1
        # Content that is not what its digest says is not taken.
        for digest, content in list(store.blobs.items()):
            store.blobs[digest] = content + b"x"
        assert "not what its digest" in corral_chart("pull", f"{at}/web", "-d", str(got)).err
        if auth:
            assert corral_chart("registry", "logout", store.address).code == 0
            assert "401" in corral_chart("pull", f"{at}/web").err


def test_dependencies_are_fetched_and_locked_as_helm_does(served, make, tmp_path, helm, corral_chart):
    make("local", {"templates/l.yaml": "l: 1\n"})
    corral_chart("repo", "add", "r", served)
    wanted = f"""dependencies:
- {{name: web, version: "<0.2", repository: "{served}"}}
- {{name: web, version: 0.2.x, repository: "@r", alias: two}}
- {{name: local, version: ">=0.1 <1", repository: "file://../local"}}
"""
    files = {"Chart.yaml": f"apiVersion: v2\nname: parent\nversion: 0.1.0\n{wanted}"}
    ours, theirs = make("ours", files), make("theirs", files)
    assert "missing" in corral_chart("dependency", "list", str(ours)).out
    assert corral_chart("template", "x", str(ours)).code == 1
    assert corral_chart("dependency", "update", str(ours)).code == 0
    assert helm("dependency", "update", str(theirs)).code == 0
    assert sorted(p.name for p in (ours / "charts").iterdir()) == sorted(p.name for p in (theirs / "charts").iterdir())
    locks = [[x for x in (f / "Chart.lock").read_text().splitlines() if "generated" not in x] for f in (ours, theirs)]
    assert locks[0] == locks[1]
    assert corral_chart("dependency", "list", str(ours)).out == helm("dependency", "list", str(ours)).out
    assert corral_chart("template", "x", str(ours)).out == helm("template", "x", str(theirs)).out
    # What Chart.yaml does not name is told of, and goes.
    for folder in (ours, theirs):
        (folder / "charts/old-0.1.0.tgz").write_bytes((tmp_path / "served/web-0.1.0.tgz").read_bytes())
        helm("package", str(make("other", FILES)), "-d", str(folder / "charts"))
    listed = [program("dependency", "list", str(f)).out for program, f in ((corral_chart, ours), (helm, theirs))]
    assert listed[0].replace("/ours/", "/theirs/") == listed[1]
    assert "WARNING" in listed[0]
    assert corral_chart("dependency", "update", str(ours)).code == helm("dependency", "update", str(theirs)).code == 0
    assert sorted(p.name for p in (ours / "charts").iterdir()) == sorted(p.name for p in (theirs / "charts").iterdir())
    for path in (ours / "charts").iterdir():
        path.unlink()
    assert corral_chart("dependency", "build", str(ours), "--skip-refresh").code == 0
    assert len(list((ours / "charts").iterdir())) == 3
    chart = ours / "Chart.yaml"
    chart.write_text(chart.read_text().replace("0.2.x", "0.1.x"))
    assert corral_chart("dependency", "build", str(ours)).err == helm("dependency", "build", str(ours)).err
    chart.write_text(chart.read_text().replace("../local", "../nowhere"))
    before = sorted(p.name for p in (ours / "charts").iterdir())
    assert corral_chart("dependency", "update", str(ours)).code == 1
    assert sorted(p.name for p in (ours / "charts").iterdir()) == before


def test_dependencies_without_a_repository(make, helm, corral_chart, own_home):
    bare = make("bare", {})
    wanted = "apiVersion: v2\nname: parent\nversion: 0.1.0\ndependencies: [{name: sub, version: 0.3.0}]\n"
    parent = make("parent", {"Chart.yaml": wanted})
    assert corral_chart("dependency", "update", str(bare)) == helm("dependency", "update", str(bare)) == (0, "", "")
    assert not (bare / "Chart.lock").exists()
    assert "charts/sub not found" in corral_chart("dependency", "update", str(parent)).err
    make("parent/charts/sub", {"Chart.yaml": "apiVersion: v2\nname: sub\nversion: 0.3.0\n"})
    for words in (["dependency", "update"], ["dependency", "list"], ["dependency", "build"]):
        assert corral_chart(*words, str(parent)).out == helm(*words, str(parent)).out


def test_a_chart_begins_with_a_starter(tmp_path, make, helm, corral_chart, own_home):
    files = {"values.yaml": "n: <CHARTNAME>\n", "templates/a.yaml": "n: <CHARTNAME>\n", "README": "<CHARTNAME>\n"}
    starter = make("starter", {**files, "charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 0.3.0\n"})
    (tmp_path / "data/starters").mkdir(parents=True)
    (tmp_path / "data/starters/mine").symlink_to(starter)
    for program, name in ((corral_chart, "ours"), (helm, "theirs")):
        (tmp_path / name).mkdir()
        assert program("create", f"{name}/web", "-p", "mine").code == 0
        assert program("create", f"{name}/other", "-p", str(starter)).code == 0
        assert program("create", f"{name}/none", "-p", "nowhere").code == 1
        assert program("create", f"{name}/not/there").code == 1
    for name in ("web", "other"):
        for part in ("chart", "values"):
            assert helm("show", part, f"ours/{name}").out == helm("show", part, f"theirs/{name}").out != ""
        assert (tmp_path / f"ours/{name}/README").read_text() == (tmp_path / f"theirs/{name}/README").read_text()
    assert helm("template", "ours/web").out == helm("template", "theirs/web").out


def test_signed_archives(make, tmp_path, helm, corral_chart, own_home):
    sequoia = pytest.importorskip("pysequoia")
    keys = {}
    for name in ("jo", "al"):
        key = sequoia.Tsk.generate(f"{name} <{name}@example.org>", cipher_suite=sequoia.CipherSuite.RSA2k)
        (tmp_path / f"{name}.sec").write_bytes(bytes(key))
        (tmp_path / f"{name}.pub").write_bytes(bytes(key.extract_certificate()))
        keys[name] = str(tmp_path / f"{name}.pub")
    source = str(make("web", FILES))
    assert corral_chart("package", source, "--sign", "--key", "jo", "--keyring", str(tmp_path / "jo.sec")).code == 0
    ours = corral_chart("verify", "web-0.1.0.tgz", "--keyring", keys["jo"])
    assert ours.out == helm("verify", "web-0.1.0.tgz", "--keyring", keys["jo"]).out
    assert ours.out.startswith("Signed by: jo <jo@example.org>\n")
    assert corral_chart("verify", "web-0.1.0.tgz", "--keyring", keys["al"]).code == 1
    assert corral_chart("template", "x", "web-0.1.0.tgz", "--verify", "--keyring", keys["al"]).code == 1
    assert corral_chart("template", "x", "web-0.1.0.tgz", "--verify", "--keyring", keys["jo"]).code == 0
    (tmp_path / "index.yaml").write_text("")
    assert corral_chart("repo", "index", ".").code == 0
    assert corral_chart("repo", "add", "signed", f"file://{tmp_path}").code == 0
    pulled = corral_chart("pull", "signed/web", "--verify", "--keyring", keys["jo"], "-d", str(tmp_path / "got"))
    assert pulled.out == ours.out
    with (tmp_path / "web-0.1.0.tgz").open("ab") as file:
        file.write(b"x")
    assert "sum does not match" in corral_chart("verify", "web-0.1.0.tgz", "--keyring", keys["jo"]).err


def test_values_from_a_url(served, make, tmp_path, helm, corral_chart):
    (tmp_path / "served/values.yaml").write_text("a: from afar\n")
    folder = str(make("web", FILES))
    words = ["template", "x", folder, "-f", f"{served}/values.yaml"]
    assert corral_chart(*words).out == helm(*words).out
    assert "from afar" in corral_chart(*words).out
