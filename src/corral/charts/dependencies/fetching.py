"""Fetching dependencies into `charts/`: all are there before any file is touched; a failure leaves the chart as it was."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

from corral.base.files import replace
from corral.charts import versions
from corral.charts.chart import packing
from corral.charts.chart.errors import ChartError
from corral.charts.chart.load import load, load_archive
from corral.charts.chart.model import Chart
from corral.charts.dependencies import lock as locks
from corral.charts.dependencies.present import wanted
from corral.charts.repositories import config, oci, resolve
from corral.charts.repositories import index as indexes
from corral.charts.repositories.config import Repository

Tell = Callable[[str], None]
FILE = "file://"


class Sources(NamedTuple):
    """Where dependencies may come from."""

    repositories: list[Repository]
    cache: Path
    registry: Callable[[str], AbstractContextManager[oci.Registry]]


class _Fetched(NamedTuple):
    locked: dict[str, Any]
    #: The archive's name and content; none for one that lies in charts/ already.
    file: tuple[str, bytes] | None


def update(folder: Path, chart: Chart, sources: Sources, now: str, tell: Tell) -> None:
    """Resolve and fetch what Chart.yaml names; write charts/ and the lock file. Raises ChartError."""
    named = [_with_url(one, sources) for one in wanted(chart)]
    fetched = _fetch_all(folder, named, sources, tell)
    _place(folder, fetched, tell)
    lock: dict[str, Any] = {"dependencies": [f.locked for f in fetched]}
    lock = {**lock, "digest": locks.digest(named, [f.locked for f in fetched]), "generated": now}
    if chart.lock is not None and chart.lock.get("digest") == lock["digest"]:
        return
    from corral.charts.render import yamlwriter

    name = "requirements.lock" if chart.metadata.get("apiVersion") == "v1" else "Chart.lock"
    replace(folder / name, yamlwriter.dump(lock).encode(), mode=0o644)


def build(folder: Path, chart: Chart, sources: Sources, tell: Tell) -> None:
    """Fetch what the lock file names. Raises ChartError, also where Chart.yaml has changed since."""
    lock = chart.lock or {}
    locks.check([_with_url(one, sources) for one in wanted(chart)], lock)
    _place(folder, _fetch_all(folder, lock.get("dependencies") or [], sources, tell), tell)


def _fetch_all(folder: Path, named: list[dict[str, Any]], sources: Sources, tell: Tell) -> list[_Fetched]:
    fresh = _indexes(named, sources, tell)
    tell(f"Saving {len(named)} charts")
    return [_fetch(folder, one, sources, fresh, tell) for one in named]


def _indexes(named: list[dict[str, Any]], sources: Sources, tell: Tell) -> dict[str, indexes.Index]:
    """The indexes of the repositories that were not added, by their URLs: those of the others are on disk."""
    places = [one.get("repository", "") for one in named]
    unmanaged = [_repository(where, "", sources) for where in places if where.startswith(("http://", "https://"))]
    fresh: dict[str, indexes.Index] = {}
    for repository in unmanaged:
        if repository.name or repository.url in fresh:
            continue
        if not fresh:
            tell("Getting updates for unmanaged Helm repositories...")
        fresh[repository.url] = resolve.fetched_index(repository)
        tell(f'...Successfully got an update from the "{repository.url}" chart repository')
    return fresh


def _fetch(folder: Path, one: dict[str, Any], sources: Sources, fresh: dict[str, indexes.Index], tell: Tell) -> _Fetched:
    name, version, where = one.get("name", ""), one.get("version", ""), one.get("repository", "")
    if not where:
        tell(f"Dependency {name} did not declare a repository. Assuming it exists in the charts directory")
        return _in_place(folder, name, version, one)
    if where.startswith(FILE):
        return _local(folder, name, version, one)
    tell(f"Downloading {name} from repo {where}")
    if where.startswith(oci.SCHEME):
        reference = oci.parse(f"{where.rstrip('/')}/{name}")
        with sources.registry(reference.host) as registry:
            pulled = registry.pull(registry.resolve(reference, version))
        return _archive(one, pulled.chart)
    repository = _repository(where, name, sources)
    if repository.name:
        index = indexes.read(config.index_file(sources.cache, repository.name), repository.name)
    else:
        index = fresh[repository.url]
    entry = indexes.find(index, name, version, where=f"{where} repository")
    from corral.charts.repositories.http import joined

    url = joined(repository.url, str((entry.get("urls") or [""])[0]))
    return _archive(one, resolve.archive(resolve.Found(url, repository, str(entry.get("digest") or ""))))


def _with_url(one: dict[str, Any], sources: Sources) -> dict[str, Any]:
    """The dependency with its repository's URL, where it names one that was added."""
    where = one.get("repository", "")
    return {**one, "repository": _repository(where, "", sources).url} if where.startswith(("@", "alias:")) else one


def _repository(where: str, name: str, sources: Sources) -> Repository:
    if where.startswith(("@", "alias:")):
        return config.named(sources.repositories, where.removeprefix("@").removeprefix("alias:"))
    if not where.startswith(("http://", "https://")):
        raise ChartError(f"dependency {name}: repository {where} is no URL", "use http, https, oci, file or @NAME")
    known = next((r for r in sources.repositories if r.url.rstrip("/") == where.rstrip("/")), None)
    return known or Repository("", where)


def _archive(one: dict[str, Any], data: bytes) -> _Fetched:
    chart = load_archive(data, one.get("name", ""))
    if chart.name != one.get("name"):
        raise ChartError(f"dependency {one.get('name')}: the archive holds the chart {chart.name}", "the repository is wrong")
    return _Fetched(locks.locked(one, chart.version), (packing.file_name(chart), data))


def _local(folder: Path, name: str, version: str, one: dict[str, Any]) -> _Fetched:
    path = folder / one["repository"].removeprefix(FILE)
    if not path.exists():
        raise ChartError(f"directory {path.resolve()} not found", "correct the dependency's repository")
    chart = load(path)
    if versions.parse_range(version) is None or not versions.satisfies(chart.version, version):
        raise ChartError(
            f"can't get a valid version for repositories {name}. Try changing the version constraint in Chart.yaml",
            f"it is {chart.version}, and {version} is wanted",
        )
    return _Fetched(locks.locked(one, chart.version), (packing.file_name(chart), packing.packed(chart, 0)))


def _in_place(folder: Path, name: str, version: str, one: dict[str, Any]) -> _Fetched:
    path = folder / "charts" / name
    if not path.exists():
        raise ChartError(f"directory {path} not found", f"put the chart {name} there, or name its repository in Chart.yaml")
    chart = load(path)
    if not versions.satisfies(chart.version, version):
        raise ChartError(f"dependency {name} at version {chart.version} does not satisfy the constraint {version}")
    return _Fetched(locks.locked(one, chart.version), None)


def _place(folder: Path, fetched: list[_Fetched], tell: Tell) -> None:
    """Put the archives into charts/, and take out those that Chart.yaml does not name any more, or in another version."""
    charts = folder / "charts"
    charts.mkdir(exist_ok=True)
    files = dict(f.file for f in fetched if f.file is not None)
    for name, data in files.items():
        replace(charts / name, data, mode=0o644)
    tell("Deleting outdated charts")
    in_place = {one.locked["name"] for one in fetched if one.file is None}
    for path in sorted(charts.iterdir()):
        if path.name in files or not path.is_file():
            continue
        try:
            name = load(path).name
        except ChartError as error:
            tell(f"Could not verify {path} for deletion: {error.message} (Skipping)")
            continue
        if name not in in_place:
            path.unlink()
