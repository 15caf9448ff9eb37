"""The example that scripts/run deploys: a front end and redis, reached from the host."""

import urllib.parse

from tests.cluster.conftest import ROOT, Cluster, eventually, fetch


def test_an_entry_is_stored_and_shown(cluster: Cluster) -> None:
    manifest = str(ROOT / "examples/guestbook/guestbook.yaml")
    cluster.kubectl("create", "namespace", "book")
    try:
        cluster.kubectl("apply", "-n", "book", "-f", manifest)
        for name in ("redis", "guestbook"):
            cluster.kubectl("rollout", "status", "-n", "book", f"deployment/{name}", "--timeout=60s")
        port = cluster.get("service", "guestbook", "-n", "book")["spec"]["ports"][0]["nodePort"]
        url = f"http://127.0.0.1:{port}/"
        entry = urllib.parse.urlencode({"entry": "<b>was here</b>"}).encode()
        assert eventually(lambda: post(url, entry)) == "thank you\n"
        assert "&lt;b&gt;was here&lt;/b&gt;" in fetch(url)
    finally:
        cluster.kubectl("delete", "namespace", "book", "--timeout=60s")


def post(url: str, entry: bytes) -> str:
    try:
        return fetch(url, entry)
    except OSError:
        return ""
