"""The example that scripts/run deploys: a front end and redis, reached from the host."""

import sys
import urllib.parse

from tests.cluster.conftest import ROOT, Cluster, fetch, run
from tests.waiting import eventually

MANIFEST = str(ROOT / "examples/guestbook/guestbook.yaml")


def test_an_entry_is_stored_and_shown(cluster: Cluster) -> None:
    cluster.kubectl("create", "namespace", "book")
    try:
        cluster.kubectl("apply", "-n", "book", "-f", MANIFEST)
        for name in ("redis", "guestbook"):
            cluster.kubectl("rollout", "status", "-n", "book", f"deployment/{name}", "--timeout=60s")
        port = cluster.get("service", "guestbook", "-n", "book")["spec"]["ports"][0]["nodePort"]
        url = f"http://127.0.0.1:{port}/"
        entry = urllib.parse.urlencode({"entry": "<b>was here</b>"}).encode()
        assert eventually(lambda: post(url, entry)) == "thank you\n"
        assert "&lt;b&gt;was here&lt;/b&gt;" in fetch(url)
    finally:
        cluster.kubectl("delete", "namespace", "book", "--timeout=60s")


def test_the_program_of_the_example_deploys_it_and_tells_where_it_answers(cluster: Cluster) -> None:
    try:
        told = run(sys.executable, str(ROOT / "examples/apply.py"), str(cluster.data_dir / "kubeconfig"), MANIFEST)
        url = told.splitlines()[-1]
        assert eventually(lambda: "Guestbook" in page(url))
    finally:
        cluster.kubectl("delete", "-f", MANIFEST, "--timeout=60s")


def page(url: str) -> str:
    try:
        return fetch(url)
    except OSError:
        return ""


def post(url: str, entry: bytes) -> str:
    try:
        return fetch(url, entry)
    except OSError:
        return ""
