"""Who the server takes us for, by whichever credentials: certificates, tokens, plugins, a pod's own account, others' names."""

import asyncio
import base64
import json
import sys
from pathlib import Path

import pytest

from corral.base.errors import CorralError
from corral.client import connect
from corral.client.https import HttpsTransport
from corral.client.kubeconfig import Access
from corral.client.transport import Call
from corral.server.request import User
from corral.testing.server import RunningServer, running_server

ME = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
ANN = User("ann", groups=("dev",))


def kubeconfig(folder: Path, server: RunningServer, user: dict[str, object]) -> str:
    config = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u", "namespace": "mine"}}],
        "clusters": [{"name": "k", "cluster": {"server": server.url, "certificate-authority": str(server.ca)}}],
        "users": [{"name": "u", "user": user}],
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    return str(path)


async def whoami(access: Access) -> dict[str, object]:
    """Name and groups as the server has them."""
    transport = HttpsTransport.to(connect.find(access))
    try:
        body = json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}).encode()
        info = json.loads(await transport.call(Call("POST", ME, body=body)))["status"]["userInfo"]
        return {"name": info["username"], "groups": [g for g in info.get("groups", ()) if not g.startswith("system:auth")]}
    finally:
        await transport.close()


@pytest.fixture
def play(tmp_path):
    def run(scenario):
        async def play():
            async with running_server(tmp_path / "data", users={"ann-token": ANN}) as server:
                await scenario(server)

        asyncio.run(play())

    (tmp_path / "data").mkdir()
    return run


def plugin(folder: Path, code: str) -> dict[str, object]:
    """A credential plugin that runs this code, which has `info`: what it is told of."""
    script = folder / "plugin.py"
    script.write_text(f"import json, os\ninfo = json.loads(os.environ['KUBERNETES_EXEC_INFO'])\n{code}\n")
    version = "client.authentication.k8s.io/v1"
    return {
        "exec": {
            "apiVersion": version,
            "command": sys.executable,
            "args": [str(script)],
            "env": [{"name": "WHO", "value": "ann"}],
        }
    }


def test_tokens_files_of_tokens_and_certificates(play, tmp_path):
    async def scenario(server):
        assert await whoami(Access(kubeconfig(tmp_path, server, {"token": "ann-token"}))) == {"name": "ann", "groups": ["dev"]}
        (tmp_path / "token").write_text("ann-token\n")
        assert (await whoami(Access(kubeconfig(tmp_path, server, {"tokenFile": "token"}))))["name"] == "ann"
        admin = {"client-certificate": str(server.certificate), "client-key": str(server.key)}
        assert "system:masters" in (await whoami(Access(kubeconfig(tmp_path, server, admin))))["groups"]
        data = {f"{k}-data": base64.b64encode(Path(v).read_bytes()).decode() for k, v in admin.items()}
        assert "system:masters" in (await whoami(Access(kubeconfig(tmp_path, server, data))))["groups"]
        # What the command line says comes first.
        assert (await whoami(Access(kubeconfig(tmp_path, server, {"token": "other"}), token="ann-token")))["name"] == "ann"

    play(scenario)


def test_a_plugin_gives_a_token_or_a_certificate(play, tmp_path):
    async def scenario(server):
        answer = (
            "print(json.dumps({'status': {'token': os.environ['WHO'] + '-token'}}) if not info['spec']['interactive'] else '')"
        )
        path = kubeconfig(tmp_path, server, plugin(tmp_path, answer))
        assert (await whoami(Access(path)))["name"] == "ann"
        pair = {"clientCertificateData": server.certificate.read_text(), "clientKeyData": server.key.read_text()}
        path = kubeconfig(tmp_path, server, plugin(tmp_path, f"print(json.dumps({{'status': {pair!r}}}))"))
        assert "system:masters" in (await whoami(Access(path)))["groups"]
        # Nobody asks it where the command line has a token.
        path = kubeconfig(tmp_path, server, plugin(tmp_path, "raise SystemExit(1)"))
        assert (await whoami(Access(path, token="ann-token")))["name"] == "ann"

    play(scenario)


@pytest.mark.parametrize(
    "code", ["print('secret-thing'); raise SystemExit(3)", "print('secret-thing')", "print('[]')", "print('{}')"]
)
def test_a_plugin_that_fails_is_named_and_its_output_is_not_shown(code, play, tmp_path):
    async def scenario(server):
        with pytest.raises(CorralError, match=r"credential plugin .* failed") as caught:
            connect.find(Access(kubeconfig(tmp_path, server, plugin(tmp_path, code))))
        assert "secret-thing" not in caught.value.message + caught.value.remedy

    play(scenario)


def test_a_plugin_that_is_not_there(play, tmp_path):
    async def scenario(server):
        user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-plugin", "installHint": "get it"}}
        with pytest.raises(CorralError, match="exec: executable no-such-plugin not found") as caught:
            connect.find(Access(kubeconfig(tmp_path, server, user)))
        assert caught.value.remedy == "get it"

    play(scenario)


def test_acting_as_another(play, tmp_path):
    async def scenario(server):
        admin = {"client-certificate": str(server.certificate), "client-key": str(server.key)}
        path = kubeconfig(tmp_path, server, admin)
        assert await whoami(Access(path, as_user="bob")) == {"name": "bob", "groups": []}
        several = await whoami(Access(path, as_user="bob", as_groups=("ops", "a,b", "dev")))
        assert several == {"name": "bob", "groups": ["ops", "a,b", "dev"]}

    play(scenario)


def test_acting_as_another_by_the_kubeconfig(play, tmp_path):
    async def scenario(server):
        admin = {"client-certificate": str(server.certificate), "client-key": str(server.key)}
        path = kubeconfig(tmp_path, server, {**admin, "as": "bob", "as-groups": ["ops", "dev"]})
        assert await whoami(Access(path)) == {"name": "bob", "groups": ["ops", "dev"]}
        assert await whoami(Access(path, as_user="eve")) == {"name": "eve", "groups": []}

    play(scenario)


def test_a_server_without_a_scheme_speaks_tls(play, tmp_path):
    async def scenario(server):
        path = Path(kubeconfig(tmp_path, server, {"token": "ann-token"}))
        path.write_text(path.read_text().replace("https://", ""))
        assert connect.find(Access(str(path))).server == server.url
        assert (await whoami(Access(str(path))))["name"] == "ann"

    play(scenario)


def test_providers_that_other_clients_have_built_in(play, tmp_path):
    async def scenario(server):
        def user(name, **config):
            return {"auth-provider": {"name": name, "config": config}}

        path = kubeconfig(tmp_path, server, user("oidc", **{"id-token": "ann-token"}))
        assert (await whoami(Access(path)))["name"] == "ann"
        for name, message in (
            ("gcp", "The gcp auth plugin has been removed."),
            ("azure", "The azure auth plugin has been removed."),
            ("oidc", "the oidc provider has no id-token yet"),
            ("other", 'no Auth Provider found for name "other"'),
        ):
            path = kubeconfig(tmp_path, server, user(name))
            with pytest.raises(CorralError, match=message):
                connect.find(Access(path))
            assert (await whoami(Access(path, token="ann-token")))["name"] == "ann"

    play(scenario)


def test_the_kubeconfigs_proxy_comes_before_that_of_the_environment(play, tmp_path):
    async def scenario(server):
        environ = {"HTTPS_PROXY": "http://proxy:1"}
        path = Path(kubeconfig(tmp_path, server, {"token": "ann-token"}))
        assert connect.find(Access(str(path), environ=environ)).proxy == ""  # the server is on this machine
        there = Access(str(path), server="https://there.example", environ=environ)
        assert connect.find(there).proxy == "http://proxy:1"
        config = json.loads(path.read_text())
        config["clusters"][0]["cluster"]["proxy-url"] = "http://own:2"
        path.write_text(json.dumps(config))
        assert connect.find(there).proxy == "http://own:2"

    play(scenario)


def test_in_a_pod_it_is_the_pods_own_account(play, tmp_path, monkeypatch):
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    monkeypatch.setattr(connect, "SERVICE_ACCOUNT", str(folder))

    async def scenario(server):
        host, _, port = server.url.removeprefix("https://").rpartition(":")
        environ = {"HOME": str(tmp_path), "KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
        with pytest.raises(CorralError, match="there is no kubeconfig"):
            connect.find(Access(environ=environ))
        (folder / "token").write_text("ann-token")
        (folder / "ca.crt").write_bytes(server.ca.read_bytes())
        assert connect.find(Access(environ=environ)).namespace == "default"
        (folder / "namespace").write_text("of-the-pod")
        assert connect.find(Access(environ=environ)).namespace == "of-the-pod"
        assert (await whoami(Access(environ=environ)))["name"] == "ann"
        # A kubeconfig comes before it.
        path = kubeconfig(tmp_path, server, {"token": "other"})
        assert connect.find(Access(path, environ=environ)).namespace == "mine"

    play(scenario)


@pytest.mark.parametrize(
    ("environ", "server"),
    [
        ({"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"}, "https://[fd00::1]:6443"),
        ({}, "https://kubernetes.default.svc:443"),
    ],
)
def test_where_a_pod_finds_its_server(environ, server, tmp_path, monkeypatch):
    monkeypatch.setattr(connect, "SERVICE_ACCOUNT", str(tmp_path))
    (tmp_path / "token").write_text("t")
    (tmp_path / "ca.crt").write_text("")
    assert connect.find(Access(environ={"HOME": str(tmp_path), **environ})).server == server
