"""`corral status`: what runs of a cluster."""

from argparse import ArgumentParser
from pathlib import Path

from corral.base.annotations import Any
from corral.base.processes import Process
from corral.cli.arguments import add_home, add_output, show
from corral.cli.layout import DEFAULT_NAME, Home, home_of

COMPONENTS = ("server", "containerd", "node")


def arguments(parser: ArgumentParser, words: str) -> None:
    """What may be typed."""
    del words
    add_home(parser)
    add_output(parser)


def status(
    *,
    data_dir: Path | None = None,
    name: str = DEFAULT_NAME,
    output: str = "text",
) -> None:
    """Show what runs. Exits with 3 where the cluster is not up, as service managers do."""
    found = examine(home_of(data_dir, name))
    if not show(found, output):
        _print(found)
    if found["state"] != "up":
        raise SystemExit(3)


def examine(home: Home) -> dict[str, Any]:
    """The state of the cluster in `home`: `up`, `down`, `absent`, or `broken` where only a part of it runs."""
    cluster = home.load()
    if cluster is None:
        return {"state": "absent", "dataDir": str(home.root)}
    wanted = ["server", *(["node"] if cluster.node else []), *(["containerd"] if cluster.node and not cluster.cri else [])]
    running = {c: home.process(c) for c in COMPONENTS if c in wanted}
    alive = [c for c, p in running.items() if p is not None]
    state = "up" if len(alive) == len(wanted) else "broken" if alive else "down"
    return {
        "state": state,
        "name": cluster.name,
        "server": cluster.server,
        "dataDir": str(home.root),
        "kubeconfig": str(home.kubeconfig),
        "podRange": cluster.pod_cidr,
        "serviceRange": cluster.service_cidr,
        "components": {c: {"pid": p.pid, **_usage(p)} if p else {"pid": None} for c, p in running.items()},
    }


def _usage(process: Process) -> dict[str, Any]:
    """Resident memory in MiB."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return {"memoryMiB": int(line.split()[1]) // 1024}
    return {}


def _print(found: dict[str, Any]) -> None:
    if found["state"] == "absent":
        print(f"no cluster in {found['dataDir']}\n  → make one: corral up")
        return
    print(f"{found['name']}: {found['state']}   {found['server']}   {found['dataDir']}")
    for component, facts in found["components"].items():
        if facts["pid"] is None:
            print(f"  ✗ {component:<11} does not run")
        else:
            print(f"  ✓ {component:<11} pid {facts['pid']:<8} {facts.get('memoryMiB', '?')} MiB")
    if found["state"] == "broken":
        print("  → start it anew: corral down, corral up (pods keep their data); why: corral logs server|node")
