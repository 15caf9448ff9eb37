"""Writing a chart as an archive that Helm reads: `NAME-VERSION.tgz`, everything below a folder of its name."""

import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

from corral.base.files import replace
from corral.charts import versions
from corral.charts.chart.errors import ChartError
from corral.charts.chart.model import Chart, File


def versioned(chart: Chart, version: str = "", app_version: str = "") -> Chart:
    """The chart with other versions. Raises ChartError for a version that is none."""
    metadata = dict(chart.metadata)
    if version:
        metadata["version"] = version
    if app_version:
        metadata["appVersion"] = app_version
    if versions.parse(metadata["version"]) is None:
        raise ChartError("Invalid Semantic Version", "versions are as in 1.2.3")
    return chart.with_metadata(metadata)


def file_name(chart: Chart) -> str:
    """`nginx-1.2.3.tgz`."""
    return f"{chart.name}-{chart.version}.tgz"


def packed(chart: Chart, now_s: float) -> bytes:
    """The archive; all its files are of the time `now_s`."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=now_s) as zipped, tarfile.open(fileobj=zipped, mode="w") as archive:
        for file in _content(chart, ""):
            member = tarfile.TarInfo(file.name)
            member.size, member.mtime, member.mode = len(file.data), int(now_s), 0o644
            archive.addfile(member, io.BytesIO(file.data))
    return out.getvalue()


def save(chart: Chart, folder: Path, now_s: float) -> Path:
    """Write the archive into `folder`; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file_name(chart)
    replace(path, packed(chart, now_s), mode=0o644)
    return path


def _content(chart: Chart, prefix: str) -> Iterator[File]:
    from corral.charts.render import yamlwriter

    base = f"{prefix}{chart.name}/"
    is_old = chart.metadata.get("apiVersion") == "v1"
    metadata = {k: v for k, v in chart.metadata.items() if not (is_old and k == "dependencies")}
    yield File(f"{base}Chart.yaml", yamlwriter.dump(metadata).encode())
    if chart.lock is not None and not is_old:
        yield File(f"{base}Chart.lock", yamlwriter.dump(chart.lock).encode())
    values = chart.file("values.yaml")
    if values is not None:
        yield File(f"{base}values.yaml", values)
    if chart.schema is not None:
        try:
            json.loads(chart.schema)
        except ValueError:
            raise ChartError("Invalid JSON in values.schema.json", "correct it") from None
        yield File(f"{base}values.schema.json", chart.schema)
    for file in (*chart.templates, *chart.files):
        yield File(base + file.name, file.data)
    for sub in chart.dependencies:
        yield from _content(sub, f"{base}charts/")
