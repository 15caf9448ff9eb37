"""Charts made of a few words, Helm's own binary beside ours, and both run alike."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from corral.cli.chart.main import main


class Ran(NamedTuple):
    """What a command did. The lines that only ours has (what to do next) are left out of `err`."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own: neither its user's kubeconfig nor repositories."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name in (
        "KUBECONFIG",
        "HELM_NAMESPACE",
        "HELM_DRIVER",
        "HELM_CONFIG_HOME",
        "HELM_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_CACHE_HOME",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def corral_chart(capfd: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """`corral chart` in this process."""

    def run(*words: str) -> Ran:
        capfd.readouterr()
        code = main(list(words))
        out, err = capfd.readouterr()
        return Ran(code, out, "".join(line for line in err.splitlines(keepends=True) if not line.startswith(("  → ", "    "))))

    return run


@pytest.fixture(scope="session")
def helm_binary() -> str:
    """Helm itself; scripts/setup --dev installs it."""
    beside = Path(sys.executable).parent / "helm"
    found = str(beside) if beside.exists() else shutil.which("helm")
    if found is None:
        pytest.skip("no helm: scripts/setup --dev installs it")
    return found


@pytest.fixture
def helm(helm_binary: str) -> Callable[..., Ran]:
    """Helm's own answer."""

    def run(*words: str) -> Ran:
        done = subprocess.run([helm_binary, *words], capture_output=True, timeout=60, check=False)
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


Files = dict[str, str]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[str, Files], Path]]:
    """Write a chart: its name and files; Chart.yaml is made where it is not among them."""

    def write(name: str, files: Files) -> Path:
        folder = tmp_path / "charts" / name
        for path, text in {"Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: 0.1.0\n", **files}.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return folder

    yield write


@pytest.fixture
def there(corral, corral_namespace, monkeypatch):
    """The test's namespace, which is that of both programs."""
    monkeypatch.setenv("KUBECONFIG", str(corral.kubeconfig))
    monkeypatch.setenv("HELM_NAMESPACE", corral_namespace)
    return corral_namespace
