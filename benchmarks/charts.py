"""Charts: rendering, listing and installing, as ratios to Helm where it is there. Needs no root, but for the last part.

Processes are compared whole, by the time of the clock and by what they use of the processor; the best of several runs
counts, ours and Helm's in turn. "Known" are charts that were rendered before, whose compiled templates are kept; "new"
are those that were not. The engine alone is what lies between values and texts (no process, no files, no reading of what
was rendered); it is compared with Helm's whole process.
"""

import base64
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from corral.charts.releases import codec
from corral.testing.cluster import ControlPlane, control_plane

_COMMAND = Path(sys.executable).parent / "corral"
#: The command as it is installed, which starts faster than `python -m`.
CORRAL = [str(_COMMAND)] if _COMMAND.exists() else [sys.executable, "-m", "corral"]
OURS = [*CORRAL, "chart"]
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


def timed(commands: list[list[str]], env: dict[str, str], runs: int = RUNS) -> list[tuple[float, float]]:
    """The best wall clock time and the best processor time of each command, in seconds; they run in turn."""
    found: list[list[tuple[float, float]]] = [[] for _ in commands]
    for _ in range(runs):
        for command, times in zip(commands, found, strict=True):
            before, began_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            used_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            times.append((time.perf_counter() - began_s, used_s))
    return [(min(wall_s for wall_s, _ in times), min(used_s for _, used_s in times)) for times in found]


def compare(what: str, words: list[str], env: dict[str, str], runs: int = RUNS) -> tuple[float, float]:
    """Print how both take a command; our wall clock time and Helm's processor time in seconds (0 where it is not there)."""
    binary = helm()
    ours, *theirs = timed([[*OURS, *words], *([[*binary, *words]] if binary else [])], env, runs)
    print(told(what, ours, theirs[0] if theirs else None))
    return ours[0], theirs[0][1] if theirs else 0.0


def told(what: str, ours: tuple[float, float], theirs: tuple[float, float] | None) -> str:
    """A line: our times, and their ratios to Helm's."""
    line = f"{what:<42} {ours[0] * 1000:7.0f} ms, processor {ours[1] * 1000:6.0f} ms"
    return f"{line}; of Helm's: {ours[0] / theirs[0]:.2f}, processor {ours[1] / theirs[1]:.2f}" if theirs else line


def large_chart(folder: Path, templates: int) -> Path:
    """The starter with its templates again and again, until there are so many."""
    subprocess.run([*OURS, "create", str(folder / "large")], check=True, stdout=subprocess.DEVNULL)
    kinds = sorted((folder / "large/templates").glob("*.yaml"))
    for i in range(templates - len(kinds)):
        source = kinds[i % len(kinds)]
        (folder / f"large/templates/{source.stem}-{i}.yaml").write_text(source.read_text())
    return folder / "large"


def varied_chart(folder: Path, templates: int, *, named: bool) -> Path:
    """The same, but each template has values of its own and, if `named`, its objects a name of their own, as components have.

    Without names, those that came from one differ only in the fields that they take.
    """
    chart = large_chart(folder, templates)
    values = (chart / "values.yaml").read_text()
    blocks = {block.partition(":")[0]: block for block in re.split(r"^(?=\w+:)", values, flags=re.MULTILINE)}
    for i, file in enumerate(sorted((chart / "templates").glob("*.yaml"))):
        text = file.read_text()
        used = sorted(set(re.findall(r"\w+", text)) & blocks.keys())
        text = re.sub(r"\.Values\b", f".Values.t{i}", text)
        file.write_text(re.sub(r"(\n  name: .+)", rf"\1-t{i}", text, count=1) if named else text)
        lines = "".join(blocks[key] for key in used).splitlines()
        values += f"t{i}:\n" + "".join(f"  {line}\n" for line in lines)
    (chart / "values.yaml").write_text(values)
    return chart


def rendering(folder: Path, env: dict[str, str]) -> None:
    nowhere = {**env, "XDG_CACHE_HOME": "nowhere"}  # no place that is anybody's own: nothing is kept
    options = ["--set", "ingress.enabled=true,autoscaling.enabled=true"]
    compare("an empty process: version", ["version"], env)
    small = ["template", "x", str(large_chart(folder / "a", 0))]
    compare("template, the starter (6 templates), known", small, env)
    compare("template, the starter, new", small, nowhere)
    large = ["template", "x", str(large_chart(folder / "b", TEMPLATES)), *options]
    _, theirs_s = compare(f"template, {TEMPLATES} templates, known", large, env)
    compare(f"template, {TEMPLATES} templates, new", large, nowhere)
    for part, named, what in (("e", True, "different texts"), ("f", False, "texts that take other fields")):
        varied = ["template", "x", str(varied_chart(folder / part, TEMPLATES, named=named))]
        compare(f"template, {TEMPLATES} {what}, known", varied, env)
        compare(f"template, {TEMPLATES} {what}, new", varied, nowhere)
    engine(folder / "b/large", theirs_s)


def engine(path: Path, theirs_s: float) -> None:
    """The engine alone, on the chart of many templates."""
    from corral.charts.actions import rendering as charts
    from corral.charts.actions.assumed import assumed
    from corral.charts.chart.load import load
    from corral.charts.render import units

    values = {"ingress": {"enabled": True}, "autoscaling": {"enabled": True}}

    def once(*, known: bool) -> float:
        chart = load(path)
        final = charts.with_chart_values(chart, charts.prepared(chart, values))
        if not known:
            units.forget()
        began_s = time.process_time()
        charts.templates(chart, final, charts.Facts("x", "default"), assumed())
        return time.process_time() - began_s

    for what, known in (("new", False), ("known", True)):
        took_s = min(once(known=known) for _ in range(RUNS))
        line = f"{f'the engine alone, {TEMPLATES} templates, {what}':<42} processor {took_s * 1000:6.1f} ms"
        print(line + (f"; Helm's process takes {theirs_s / took_s:.1f} times as much" if theirs_s else ""))


def releases(plane: ControlPlane, folder: Path, env: dict[str, str]) -> None:
    """200 releases, stored as an install stores them, looked at; one more that comes, changes and goes, nothing waited for."""
    chart = str(large_chart(folder / "c", 0))
    subprocess.run([*OURS, "install", "r-0", chart], env=env, check=True, stdout=subprocess.DEVNULL)
    secrets = "/api/v1/namespaces/default/secrets"
    first = plane.request("GET", f"{secrets}/sh.helm.release.v1.r-0.v1")
    release = codec.decode(base64.b64decode(first["data"]["release"]))
    for i in range(1, RELEASES):
        release.name = f"r-{i}"
        labels = {**first["metadata"]["labels"], "name": release.name}
        metadata = {"name": f"sh.helm.release.v1.r-{i}.v1", "labels": labels}
        data = {"release": base64.b64encode(codec.encode(release)).decode()}
        plane.request("POST", secrets, {**first, "metadata": metadata, "data": data})
    took_s, _ = compare(f"list, {RELEASES} releases", ["list"], env, runs=5)
    print(f"  of the budget of {LIST_BUDGET_S:.0f} s: {took_s / LIST_BUDGET_S:.2f}")
    for words in (["status", "r-0"], ["get", "manifest", "r-0"], ["history", "r-0"]):
        compare(" ".join(words[:-1]), words, env, runs=5)
    changes = (
        ["install", "x", chart],
        ["upgrade", "x", chart, "--set", "replicaCount=2"],
        ["rollback", "x", "1"],
        ["uninstall", "x"],
    )
    programs = [OURS, *([[*binary]] if (binary := helm()) else [])]
    found = [[[*program, *words] for words in changes] for program in programs]
    times = timed([command for commands in found for command in commands], env, runs=5)
    for i, (words, (wall_s, used_s)) in enumerate(zip(changes, times, strict=False)):
        theirs = times[i + len(changes)] if len(programs) > 1 else None
        print(told(words[0], (wall_s, used_s), theirs))


def installing(folder: Path) -> None:
    """Install of the starter until its pod is Ready, with a node; root."""
    where = ["--data-dir", str(folder / "cluster")]
    subprocess.run([*CORRAL, "up", *where, "--name", f"b{os.getpid()}", "--no-merge"], check=True, stdout=subprocess.DEVNULL)
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
        subprocess.run([*CORRAL, "down", *where, "--purge"], check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="corral-") as name:
        folder = Path(name)
        for part in "abcdef":
            (folder / part).mkdir()
        env = {**os.environ, "HOME": name, "KUBECONFIG": ""}
        env.pop("PYTHONDONTWRITEBYTECODE", None)  # compiled once, as installed packages are
        rendering(folder, env)
        with control_plane(folder / "plane") as plane:
            releases(plane, folder, {**env, "KUBECONFIG": str(plane.kubeconfig)})
        if os.geteuid() == 0:
            installing(folder)
        else:
            print("no root: installing with containers is left out")


if __name__ == "__main__":
    main()
