"""From a chart's reference to its archive: REPOSITORY/NAME, a URL, or a name in the repository at a URL."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from corral.charts.chart.errors import ChartError
from corral.charts.repositories import config, http
from corral.charts.repositories import index as indexes
from corral.charts.repositories.config import Repository


class Found(NamedTuple):
    """Where an archive is, and by which access it is fetched."""

    url: str
    access: Repository
    digest: str = ""

    @property
    def file_name(self) -> str:
        """What to call the file."""
        return self.url.split("?", 1)[0].rstrip("/").rsplit("/", 1)[-1]


def found(reference: str, version: str, access: Repository, repositories: list[Repository], cache: Path) -> Found:
    """Where the chart is. `access.url` is a repository's, where one is named beside the reference. Raises ChartError."""
    if access.url:
        index = fetched_index(access)
        return _of_entry(indexes.find(index, reference, version, where=f"{access.url} repository"), access)
    if "://" in reference:
        mine = next((r for r in repositories if reference.startswith(r.url.rstrip("/") + "/")), None)
        return Found(reference, replace(mine or access, url=mine.url if mine else reference))
    name, slash, chart = reference.partition("/")
    if not slash:
        raise ChartError(
            f"non-absolute URLs should be in form of repo_name/path_to_chart, got: {reference}",
            "give a folder, an archive, REPOSITORY/NAME, a URL, or --repo URL NAME",
        )
    repository = config.named(repositories, name)
    index = indexes.read(config.index_file(cache, name), name)
    return _of_entry(indexes.find(index, chart, version, where=name), repository)


def _of_entry(entry: indexes.Entry, access: Repository) -> Found:
    urls = entry.get("urls") or ()
    if not urls:
        raise ChartError(f'chart "{entry.get("name", "")}" has no downloadable URLs', "the repository's index is wrong")
    return Found(http.joined(access.url, str(urls[0])), access, str(entry.get("digest") or ""))


def fetched_index(repository: Repository) -> indexes.Index:
    """A repository's index, as it is now. Raises ChartError."""
    return indexes.parse(index_bytes(repository), repository.url)


def index_bytes(repository: Repository) -> bytes:
    """The bytes of a repository's index."""
    try:
        return http.get(http.joined(repository.url, "index.yaml"), repository)
    except ChartError as error:
        raise ChartError(
            f'looks like "{repository.url}" is not a valid chart repository or cannot be reached: {error.message}', error.remedy
        ) from None


def archive(where: Found) -> bytes:
    """The archive's bytes; checked, where the index says its digest."""
    import hashlib

    data = http.get(where.url, where.access, credentials_of=where.access.url)
    wanted = where.digest.removeprefix("sha256:")
    if wanted and hashlib.sha256(data).hexdigest() != wanted:
        raise ChartError(
            f"{where.url} is not what the index says: its digest is another", "fetch the index anew: corral chart repo update"
        )
    return data
