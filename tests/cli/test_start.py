"""What a long-running process loads before it works, and that it does without the system's authorities."""

import asyncio
import ssl
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import connector, web
from tests.server.authentication.provider import serving, serving_tls

from corral.charts.repositories import http as repositories
from corral.client.https import transport
from corral.client.transport import Call
from corral.server import pki
from corral.server.aggregation.proxy import Proxy
from corral.server.authentication.configuration import load
from corral.server.authentication.oidc import JwtIssuer
from corral.server.webhookclient import Target, WebhookClient
from corral.testing.clock import VirtualClock

#: What takes long to load, or much memory, and is not needed by a process before it is ready.
NOT_AT_START = {
    "corral.cli.server": (
        "corral.api.cel corral.api.protobuf corral.charts corral.controllers corral.network corral.node corral.scheduler"
        " corral.server.openapi dns google.protobuf grpc jsonschema kubernetes_validate yaml"
    ),
    "corral.cli.node": (
        "corral.api.cel corral.api.protobuf corral.charts corral.controllers corral.scheduler corral.server corral.store"
        " apsw cryptography jsonschema jwt kubernetes_validate yaml"
    ),
}


@pytest.mark.parametrize("module", NOT_AT_START)
def test_what_is_heavy_is_not_loaded_at_the_start(module: str) -> None:
    program = f"import sys, {module}; print(*sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": ":".join(sys.path)}, capture_output=True, text=True, check=True
    )
    loaded = set(said.stdout.split())
    assert module in loaded
    assert not loaded & set(NOT_AT_START[module].split())


#: What a chart is rendered without, its first time too: each takes as long to load as several of our own modules.
NOT_FOR_A_CHART = (
    "asyncio collections contextlib dataclasses enum functools importlib importlib.util json operator pathlib re tempfile"
    " types typing urllib warnings yaml corral.charts.values.setting"
)
#: And one whose templates are known, without these.
NOT_FOR_A_KNOWN_CHART = "corral.charts.render.compiler corral.charts.render.parser"


#: The command, which tells in its last line on standard error what it has loaded.
TELLING = f"""
import os, sys
before, end = set(sys.modules), os._exit
def told(status):
    print(*sys.modules.keys() - before, file=sys.stderr, flush=True)
    end(status)
os._exit, sys.argv[0] = told, "corral"
{(Path(__file__).parents[2] / "bin/corral").read_text()}
"""


#: What is usual in values, and is read and written without PyYAML and without expressions.
USUAL = """\
usual:
  text: |-  # a literal
    a: b
  number: -0.5  # and a comment
  list: [ ]
named: &named
  folded: >-
    é “a”

      b
  quoted: 'a
    b: c'
  plain: a
    b
  port: :80
  commit: "1a2b3c"
merged:
  <<: *named
  list: [a || b, 'c', # d

    {e:}]
  key10: 1e6
  key9: *named
"""


@pytest.mark.parametrize("command", ["template x", "template my-release.1", "lint"])
def test_a_chart_is_rendered_with_little_loaded(command: str, tmp_path: Path) -> None:
    corral = [sys.executable, "-c", TELLING, "chart"]
    environment = {
        **{"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")},
        **{"PYTHONPATH": ":".join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"},
    }
    subprocess.run([*corral, "create", str(tmp_path / "c")], env=environment, capture_output=True, check=True)
    values = tmp_path / "c/values.yaml"
    values.write_text(values.read_text() + USUAL)
    (tmp_path / "c/templates/usual.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: usual}\ndata:\n  all: |\n    {{- toYaml .Values | nindent 4 }}\n"
    )
    chart = tmp_path / "c/Chart.yaml"
    chart.write_text(chart.read_text() + "kubeVersion: '>=1.19-0'\n")
    render = [*corral, *command.split(), str(tmp_path / "c")]
    new, known = (subprocess.run(render, env=environment, capture_output=True, text=True, check=True) for _ in range(2))
    assert "corral.charts.render.compiler" in new.stderr.split()
    assert ("1 chart(s) linted, 0 chart(s) failed" if command == "lint" else "kind: Deployment") in known.stdout == new.stdout
    assert "corral.charts.render.engine" in known.stderr.split()
    assert not {*new.stderr.split(), *known.stderr.split()} & set(NOT_FOR_A_CHART.split())
    assert not set(known.stderr.split()) & set(NOT_FOR_A_KNOWN_CHART.split())


#: What no command needs that asks a cluster, unless it waits.
NOT_FOR_A_RELEASE = "aiohttp asyncio concurrent.futures logging msgspec pathlib subprocess tempfile threading yaml"
#: And one that reads what is stored.
NOT_FOR_A_STORED_RELEASE = "corral.api.facts corral.charts.actions corral.charts.render dataclasses inspect orjson typing uuid"


def test_releases_are_looked_at_and_changed_with_little_loaded(corral, corral_namespace: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    environment = {
        **{"HOME": str(tmp_path), "KUBECONFIG": str(corral.kubeconfig), "HELM_NAMESPACE": corral_namespace},
        **{"PYTHONPATH": ":".join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"},
    }

    def loaded(command: str) -> set[str]:
        words = [sys.executable, "-c", TELLING, "chart", *command.split()]
        done = subprocess.run(words, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return set(done.stderr.splitlines()[-1].split())

    (tmp_path / "c/templates").mkdir(parents=True)
    (tmp_path / "c/Chart.yaml").write_text("apiVersion: v2\nname: c\nversion: 0.1.0\n")
    (tmp_path / "c/templates/a.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: {{ .Values.a | quote }}}\n"
    )
    changes = ("install a c", "upgrade a c --set a=1", "rollback a 1", "uninstall a")
    looks = ("list", "status a", "history a", "get manifest a")
    for command in (*changes[:2], *looks, *changes[2:]):
        modules = loaded(command)
        assert "corral.client.blocking" in modules
        assert not modules & set(NOT_FOR_A_RELEASE.split()), command
        assert command not in looks or not modules & set(NOT_FOR_A_STORED_RELEASE.split()), command


@pytest.mark.parametrize("component", ["server", "node"])
def test_a_start_reads_no_authorities_and_leaves_them_to_those_who_ask(component: str, tmp_path: Path) -> None:
    _tls, authority = serving_tls(tmp_path)
    (tmp_path / "roots.pem").write_text(authority)
    program = f"""
import os, ssl
from corral.base import roots
with roots.Unread():
    import corral.cli.{component}
from aiohttp import connector
print(connector._SSL_CONTEXT_VERIFIED.cert_store_stats()["x509"], ssl.create_default_context().cert_store_stats()["x509"])
print(os.environ["SSL_CERT_FILE"], "SSL_CERT_DIR" in os.environ)
"""
    environment = {"PYTHONPATH": ":".join(sys.path), "SSL_CERT_FILE": str(tmp_path / "roots.pem")}
    said = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.split("\n")[:2] == ["0 1", f"{tmp_path / 'roots.pem'} False"]


def test_whoever_needs_the_systems_authorities_reads_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where aiohttp's own contexts trust nobody, as in the processes that `corral.cli.start` runs."""
    tls, authority = serving_tls(tmp_path)
    (tmp_path / "roots.pem").write_text(authority)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    monkeypatch.setattr(connector, "_SSL_CONTEXT_VERIFIED", ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))

    async def answer(request: web.Request) -> web.Response:
        base = f"https://{request.host}"
        return web.json_response({"issuer": base, "jwks_uri": f"{base}/keys", "keys": []})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)

    async def ask() -> None:
        async with asyncio.timeout(20), serving(app, tls) as port:
            url = f"https://127.0.0.1:{port}"
            await _ask_everybody(url, tmp_path)

    asyncio.run(ask())
    keys = pki.ensure(tmp_path, server_hosts=(), now=datetime.now(UTC))
    proxy = Proxy(None, None, None, keys.server_certificate, keys.server_key)  # type: ignore[arg-type]
    assert proxy._make_tls("", False).cert_store_stats()["x509"] == 1


async def _ask_everybody(url: str, folder: Path) -> None:
    """An issuer, a webhook, a chart repository and a cluster, none of them with an authority of its own."""
    (folder / "issuer.yaml").write_text(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n"
        f"jwt: [{{issuer: {{url: '{url}', audiences: [a]}}, claimMappings: {{username: {{claim: sub, prefix: ''}}}}}}]\n"
    )
    (issuer,) = load(folder / "issuer.yaml").issuers
    assert await JwtIssuer(issuer, VirtualClock())._published() == {}
    webhooks = WebhookClient(lambda *_: "")
    assert (await webhooks.post(Target(f"{url}/hook"), b"{}", 10))["keys"] == []
    await webhooks.close()
    assert b"jwks_uri" in await asyncio.to_thread(repositories.get, f"{url}/index.yaml")
    cluster = transport(_kubeconfig(folder, url))
    assert b"jwks_uri" in await cluster.call(Call("GET", "/api"))
    await cluster.close()


def _kubeconfig(folder: Path, url: str) -> Path:
    path = folder / "kubeconfig"
    path.write_text(
        f"clusters: [{{name: c, cluster: {{server: '{url}'}}}}]\nusers: [{{name: u, user: {{token: t}}}}]\n"
        "contexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n"
    )
    return path
