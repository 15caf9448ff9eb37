"""The charts that a chart brings, fetched into its charts/: `corral chart dependency update` and `build`."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from corral.charts.chart.load import load
from corral.charts.dependencies import fetching
from corral.charts.dependencies.present import wanted
from corral.charts.repositories import config, credentials, oci
from corral.charts.repositories.config import Repository
from corral.cli.chart import repo
from corral.cli.chart.flags import Flag, UsageError
from corral.cli.chart.options import Options, registry_config, repository_cache, repository_config

_FETCH = (
    Flag("skip-refresh", "bool", "do not fetch the repositories' indexes first"),
    Flag("verify", "bool", "verify the archives"),
    Flag("keyring", "string", "the keys to verify with"),
    Flag("plain-http", "bool", "registries without TLS"),
)
USAGE = {f"dependency {word}": f"dependency {word} [FOLDER] [flags]" for word in ("update", "build")}
FLAGS = {
    "dependency update": _FETCH,
    "dependency build": _FETCH,
}


def run(options: Options, arguments: list[str]) -> None:
    """Do what the command says."""
    command = options.values["command"]
    if len(arguments) > 1:
        raise UsageError(f'"corral chart {command}" accepts at most 1 argument', f"Usage:  corral chart {USAGE[command]}")
    _COMMANDS[command](options, Path(arguments[0] if arguments else "."))


def update(options: Options, folder: Path) -> None:
    """Fetch what Chart.yaml names, and write Chart.lock. Raises ChartError; charts/ is then as it was."""
    chart = load(folder)
    if not wanted(chart):
        return
    _refresh(options, wanted(chart))
    fetching.update(folder, chart, _sources(options), datetime.now(UTC).isoformat().replace("+00:00", "Z"), print)


def _build(options: Options, folder: Path) -> None:
    chart = load(folder)
    if chart.lock is None:
        update(options, folder)
        return
    _refresh(options, chart.lock.get("dependencies") or [])
    fetching.build(folder, chart, _sources(options), print)


def _refresh(options: Options, named: list[dict[str, str]]) -> None:
    known = config.load(repository_config(options))
    used = [r.name for r in known if any(_is_of(d.get("repository", ""), r) for d in named)]
    if used and not options.values.get("skip_refresh"):
        repo.update(options, used)


def _is_of(url: str, repository: Repository) -> bool:
    return url.rstrip("/") == repository.url.rstrip("/") or url in (f"@{repository.name}", f"alias:{repository.name}")


def _sources(options: Options) -> fetching.Sources:
    def login(host: str) -> tuple[str, str] | None:
        return credentials.of(registry_config(options), host)

    plain = bool(options.values.get("plain_http"))
    known = config.load(repository_config(options))
    return fetching.Sources(
        known, repository_cache(options), lambda host: oci.registry(host, Repository("", ""), login(host), plain_http=plain)
    )


_COMMANDS: dict[str, Callable[[Options, Path], None]] = {
    "dependency update": update,
    "dependency build": _build,
}
