"""Charts: rendering, listing and installing, as ratios to Helm where it is there. Needs no root, but for the last part.

Processes are compared whole, by the time of the clock and by what they use of the processor; the best of several runs counts.
"""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from corral.testing.cluster import ControlPlane, control_plane

OURS = [sys.executable, "-m", "corral", "chart"]
RUNS = 10
RELEASES = 200
TEMPLATES = 50
LIST_BUDGET_S = 1.0
READY_BUDGET_S = 3.0


def helm() -> list[str] | None:
    """Helm itself; scripts/setup --dev installs it."""
    beside = Path(sys.executable).parent / "helm"
    found = str(beside) if beside.exists() else shutil.which("helm")
    return [found] if found else None


def timed(command: list[str], env: dict[str, str], runs: int = RUNS) -> tuple[float, float]:
    """The best wall clock time and the best processor time of a command, in seconds."""
    wall_s, used_s = [], []
    for _ in range(runs):
        before, began_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        wall_s.append(time.perf_counter() - began_s)
        used_s.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(wall_s), min(used_s)


def compare(what: str, words: list[str], env: dict[str, str], runs: int = RUNS) -> float:
    """Print how both take a command; our wall clock time in seconds."""
    wall_s, used_s = timed([*OURS, *words], env, runs)
    line = f"{what:<42} {wall_s * 1000:7.0f} ms, processor {used_s * 1000:6.0f} ms"
    if binary := helm():
        theirs_wall_s, theirs_used_s = timed([*binary, *words], env, runs)
        line += f"; of Helm's: {wall_s / theirs_wall_s:.2f}, processor {used_s / theirs_used_s:.2f}"
    print(line)
    return wall_s


def large_chart(folder: Path, templates: int) -> Path:
    """The starter with its templates again and again, until there are so many."""
    subprocess.run([*OURS, "create", str(folder / "large")], check=True, stdout=subprocess.DEVNULL)
    kinds = sorted((folder / "large/templates").glob("*.yaml"))
    for i in range(templates - len(kinds)):
        source = kinds[i % len(kinds)]
        (folder / f"large/templates/{source.stem}-{i}.yaml").write_text(source.read_text())
    return folder / "large"


def rendering(folder: Path, env: dict[str, str]) -> None:
    compare("an empty process: version", ["version"], env)
    compare("template, the starter (6 templates)", ["template", "x", str(large_chart(folder / "a", 0))], env)
    large = large_chart(folder / "b", TEMPLATES)
    options = ["--set", "ingress.enabled=true,autoscaling.enabled=true"]
    compare(f"template, {TEMPLATES} templates", ["template", "x", str(large), *options], env)


def listing(plane: ControlPlane, folder: Path, env: dict[str, str]) -> None:
    """200 releases, stored as an install stores them."""
    chart = str(large_chart(folder / "c", 0))
    subprocess.run([*OURS, "install", "r-0", chart], env=env, check=True, stdout=subprocess.DEVNULL)
    secrets = "/api/v1/namespaces/default/secrets"
    first = plane.request("GET", f"{secrets}/sh.helm.release.v1.r-0.v1")
    for i in range(1, RELEASES):
        labels = {**first["metadata"]["labels"], "name": f"r-{i}"}
        metadata = {"name": f"sh.helm.release.v1.r-{i}.v1", "labels": labels}
        plane.request("POST", secrets, {**first, "metadata": metadata})
    took_s = compare(f"list, {RELEASES} releases", ["list"], env, runs=5)
    print(f"  of the budget of {LIST_BUDGET_S:.0f} s: {took_s / LIST_BUDGET_S:.2f}")


def installing(folder: Path) -> None:
    """Install of the starter until its pod is Ready, with a node; root."""
    corral = [sys.executable, "-m", "corral"]
    where = ["--data-dir", str(folder / "cluster")]
    subprocess.run([*corral, "up", *where, "--name", f"b{os.getpid()}", "--no-merge"], check=True, stdout=subprocess.DEVNULL)
    try:
        images = [sys.executable, str(Path(__file__).parents[1] / "examples/images.py"), *where, "corral.local/web:1"]
        subprocess.run(images, check=True, stdout=subprocess.DEVNULL)
        env = {**os.environ, "KUBECONFIG": str(folder / "cluster/kubeconfig")}
        chart = str(large_chart(folder / "d", 0))
        values = ["--set", "image.repository=corral.local/web,image.tag=1,replicaCount=3", "--wait"]
        took_s = []
        for i in range(3):
            began_s = time.perf_counter()
            subprocess.run([*OURS, "install", f"w{i}", chart, *values], env=env, check=True, stdout=subprocess.DEVNULL)
            took_s.append(time.perf_counter() - began_s)
        print(f"install --wait, 3 pods: {min(took_s):.2f} s; of the budget: {min(took_s) / READY_BUDGET_S:.2f}")
    finally:
        subprocess.run([*corral, "down", *where, "--purge"], check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="corral-") as name:
        folder = Path(name)
        for part in "abcd":
            (folder / part).mkdir()
        env = {**os.environ, "HOME": name, "KUBECONFIG": ""}
        env.pop("PYTHONDONTWRITEBYTECODE", None)  # compiled once, as installed packages are
        rendering(folder, env)
        with control_plane(folder / "plane") as plane:
            listing(plane, folder, {**env, "KUBECONFIG": str(plane.kubeconfig)})
        if os.geteuid() == 0:
            installing(folder)
        else:
            print("no root: installing with containers is left out")


if __name__ == "__main__":
    main()
