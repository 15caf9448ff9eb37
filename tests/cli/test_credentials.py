"""Keys and kubeconfigs are made once, and anew where something of them is another."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from corral.cli import credentials
from corral.cli.credentials import NODE_FILES, write_credentials
from corral.cli.layout import Cluster, Home

CLUSTER = Cluster("c", 6443, 10250, "0.0.0.0", "192.0.2.7", "10.128.0.0/16", "10.96.0.0/16", node=True)


@dataclass
class Made:
    home: Home
    #: How often everything was looked at.
    looks: int = 0


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    made = Made(Home(tmp_path / "d"))
    made.home.make()
    write_all = credentials._write_all

    def counted(home: Home, cluster: Cluster) -> float:
        made.looks += 1
        return write_all(home, cluster)

    monkeypatch.setattr(credentials, "_write_all", counted)
    write_credentials(made.home, CLUSTER)
    return made


def test_what_is_good_is_left_alone(made: Made) -> None:
    before = {p: p.read_bytes() for p in made.home.root.rglob("*") if p.is_file()}
    write_credentials(made.home, CLUSTER)
    assert made.looks == 1
    assert before == {p: p.read_bytes() for p in made.home.root.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    "harm",
    [
        lambda home: home.kubeconfig.unlink(),
        lambda home: (home.pki / "admin.crt").unlink(),
        lambda home: (home.root / "node" / NODE_FILES.key).write_text("damaged"),
        lambda home: (home.root / "node" / "agent.kubeconfig").write_text(""),
        lambda home: (home.pki / "made.json").write_text("{"),
        lambda home: (home.pki / "made.json").write_text('{"digest": "", "renew_s": 9e9}'),
    ],
)
def test_what_is_missing_or_another_is_made_anew(made: Made, harm: Callable[[Home], object]) -> None:
    harm(made.home)
    write_credentials(made.home, CLUSTER)
    assert made.looks == 2
    assert (made.home.pki / "admin.crt").exists() and made.home.kubeconfig.read_text()
    assert (made.home.root / "node" / NODE_FILES.key).read_text().startswith("-----BEGIN")
    write_credentials(made.home, CLUSTER)
    assert made.looks == 2


def test_another_address_needs_other_certificates(made: Made) -> None:
    before = (made.home.root / "node" / NODE_FILES.certificate).read_bytes()
    write_credentials(made.home, CLUSTER._replace(advertise_address="192.0.2.8"))
    assert made.looks == 2 and (made.home.root / "node" / NODE_FILES.certificate).read_bytes() != before


def test_they_are_renewed_before_they_end(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    now_s = time.time()
    monkeypatch.setattr(time, "time", lambda: now_s + 200 * 86400)
    write_credentials(made.home, CLUSTER)
    assert made.looks == 1
    monkeypatch.setattr(time, "time", lambda: now_s + 280 * 86400)
    write_credentials(made.home, CLUSTER)
    assert made.looks == 2
