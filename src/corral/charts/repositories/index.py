"""What a repository has: index.yaml, read, searched, made from a folder of archives, merged.

https://helm.sh/docs/topics/chart_repository/#the-index-file
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corral.charts import versions
from corral.charts.chart import yamlfile
from corral.charts.chart.errors import ChartError
from corral.charts.chart.load import load

Entry = dict[str, Any]
#: Chart name → its versions, the newest first.
Index = dict[str, list[Entry]]


def parse(data: bytes, what: str) -> Index:
    """The index in these bytes. Raises ChartError for what is none."""
    content = yamlfile.read(data, f"{what} is not a valid chart repository or cannot be reached")
    if not isinstance(content, dict) or not content.get("apiVersion"):
        raise ChartError(f'looks like "{what}" is not a valid chart repository or cannot be reached: no API version specified')
    index: Index = {}
    for name, entries in (content.get("entries") or {}).items():
        found = [e for e in entries or () if isinstance(e, dict) and versions.parse(str(e.get("version", "")))]
        index[name] = sorted(found, key=_version, reverse=True)
    return index


def _version(entry: Entry) -> Any:
    return versions.order(versions.parse(str(entry["version"])))


def read(path: Path, name: str) -> Index:
    """A cached index. Raises ChartError where it was never fetched."""
    try:
        return parse(path.read_bytes(), name)
    except FileNotFoundError:
        raise ChartError(
            f"no cached repo found. (try 'helm repo update'): open {path}: no such file or directory",
            "fetch it: corral chart repo update",
        ) from None


def find(index: Index, name: str, version: str, *, where: str) -> Entry:
    """The newest entry of a chart that a version, or a range, allows; without one, the newest that is no prerelease."""
    if name not in index:
        told = f'chart "{name}" not found in {where}'
        if not where.endswith(" repository"):
            told = (
                f"chart \"{name}\" matching {version} not found in {where} index. (try 'helm repo update'): no chart name found"
            )
        raise ChartError(told, f"look for it: corral chart search repo {name}")
    exact = next((e for e in index[name] if version and str(e["version"]) == version), None)
    if exact is not None:
        return exact
    if version and versions.parse_range(version) is None:
        raise ChartError(f"improper constraint: {version}", "write it as in ^1.2 or >=1 <3")
    for entry in index[name]:
        if versions.satisfies(str(entry["version"]), version or "*"):
            return entry
    raise ChartError(
        f"chart \"{name}\" matching {version} not found in {where} index. (try 'helm repo update'): "
        "no chart "
        f"version found for {name}-{version}",
        f"see its versions: corral chart search repo {name} --versions",
    )


def of_folder(folder: Path, url: str, now: str) -> Index:
    """The index of the archives in a folder and in the folders in it."""
    index: Index = {}
    for path in [*sorted(folder.glob("*.tgz")), *sorted(folder.glob("**/*.tgz"))]:
        relative = path.relative_to(folder).as_posix()
        if relative.count("/") > 1:
            continue
        chart = load(path)
        entries = index.setdefault(chart.name, [])
        if any(e["version"] == chart.version for e in entries):
            continue
        entries.append(
            {
                **chart.metadata,
                "created": now,
                "digest": hashlib.sha256(path.read_bytes()).hexdigest(),
                "urls": [f"{url.rstrip('/')}/{relative}" if url else relative],
            }
        )
    for entries in index.values():
        entries.sort(key=_version, reverse=True)
    return index


def merged(index: Index, older: Index) -> Index:
    """`index`, and what only `older` has."""
    made = {name: list(entries) for name, entries in index.items()}
    for name, entries in older.items():
        own = made.setdefault(name, [])
        known = {str(e["version"]) for e in own}
        own += [e for e in entries if str(e["version"]) not in known]
        own.sort(key=_version, reverse=True)
    return made


def text(index: Index, now: str) -> bytes:
    """The index as index.yaml."""
    from corral.charts.render import yamlwriter

    return yamlwriter.dump({"apiVersion": "v1", "entries": index, "generated": now}).encode()


def searched(index: Index, words: list[str], *, regex: bool = False) -> Iterator[tuple[str, Entry]]:
    """The charts whose name, description or keywords have all the words: (name, entry) of every version.

    Raises ValueError for a word that is no expression, where they are such.
    """
    from corral.charts.render.regexes import compiled

    patterns = [compiled(word) for word in words] if regex else []
    for name, entries in sorted(index.items()):
        for entry in entries:
            about = "\v".join((name, str(entry.get("description", "")), *map(str, entry.get("keywords") or ())))
            data, lower = about.encode(), about.lower()
            if all(p.matches(data) for p in patterns) if regex else all(word.lower() in lower for word in words):
                yield name, entry
