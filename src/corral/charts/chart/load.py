"""Reading a chart from a folder or an archive (.tgz). It is others' text: sizes are bounded, nothing leaves the chart.

https://helm.sh/docs/topics/charts/#the-chart-file-structure
"""

import os
import stat
import sys

from corral.base.annotations import Iterable, Iterator
from corral.base.patterns import pattern
from corral.charts.chart import yamlfile
from corral.charts.chart.errors import ChartError
from corral.charts.chart.ignore import Rules
from corral.charts.chart.metadata import check, lock_of, metadata_of
from corral.charts.chart.model import Chart, File

#: Helm's own limits (3.17.3): an archive's content, and one file of it.
MAX_CHART_BYTES = 100 * 1024 * 1024
MAX_FILE_BYTES = 5 * 1024 * 1024
MAX_FILES = 20_000
MAX_NESTED = 16
#: What stands before a file of an archive: its header and padding, usually; with the longest name and attributes.
USUAL_HEADER_BYTES = 2048
MAX_HEADER_BYTES = 64 * 1024
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_DRIVE = pattern(r"^[a-zA-Z]:/")


class Budget:
    """What may still be read of a chart and all that is packed in it."""

    def __init__(self) -> None:
        self.left_bytes = MAX_CHART_BYTES
        self.left_files = MAX_FILES

    def spend(self, name: str, size_bytes: int) -> None:
        """Raise ChartError where a file of that size is too much."""
        if size_bytes > MAX_FILE_BYTES:
            raise ChartError(
                f'decompressed chart file "{name}" is larger than the maximum file size {MAX_FILE_BYTES}',
                "leave the file out: .helmignore",
            )
        self.left_bytes -= size_bytes
        self.left_files -= 1
        if self.left_bytes < 0:
            raise ChartError(
                f"decompressed chart is larger than the maximum size {MAX_CHART_BYTES}", "leave files out: .helmignore"
            )
        if self.left_files < 0:
            raise ChartError(f"the chart has more than {MAX_FILES} files", "leave files out: .helmignore")


def load(path: str | os.PathLike[str]) -> Chart:
    """The chart at `path`, a folder or an archive. Raises ChartError."""
    try:
        found = os.stat(path)
    except OSError as error:
        raise ChartError(
            f"stat {path}: {_reason(error)}", "give the path of a chart's folder or .tgz, or REPOSITORY/NAME of a repository"
        ) from None
    budget = Budget()
    if stat.S_ISDIR(found.st_mode):
        return of_files(folder_files(os.fspath(path), budget), budget)
    if found.st_size > MAX_CHART_BYTES:
        raise ChartError(f"{path} is larger than the maximum size {MAX_CHART_BYTES}", "leave files out: .helmignore")
    with open(path, "rb") as file:
        return load_archive(file.read(), os.fspath(path), budget)


def load_archive(data: bytes, what: str, budget: Budget | None = None) -> Chart:
    """The chart in an archive's bytes; `what` names it in errors."""
    budget = budget or Budget()
    return of_files(archive_files(data, what, budget), budget)


def folder_files(folder: str, budget: Budget) -> list[File]:
    """The files of a folder that `.helmignore` leaves, in the order of their names; links are followed, as Helm does."""
    return list(_walk(folder, "", Rules(_ignored(os.path.join(folder, ".helmignore"))), budget, ()))


def _ignored(path: str) -> list[str]:
    """The lines of `.helmignore`, where there is one."""
    if not os.path.isfile(path):
        return []
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read().splitlines()


def _walk(folder: str, prefix: str, rules: Rules, budget: Budget, within: tuple[tuple[int, int], ...]) -> Iterator[File]:
    here = os.stat(folder)
    if (here.st_dev, here.st_ino) in within:
        raise ChartError(f"{folder} links to a folder that it is in", "take the link away")
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        name = prefix + entry.name
        if entry.is_symlink():
            print(
                f"found symbolic link in path: {entry.path} resolves to {os.path.realpath(entry.path)}. "
                "Contents of linked file included and used",
                file=sys.stderr,
            )
        try:
            found = entry.stat()
        except OSError as error:
            raise ChartError(f"error evaluating symlink {entry.path}: {_reason(error)}", "take the link away") from None
        is_folder = stat.S_ISDIR(found.st_mode)
        if rules.ignores(name, is_folder):
            continue
        if is_folder:
            yield from _walk(entry.path, name + "/", rules, budget, (*within, (here.st_dev, here.st_ino)))
        elif not stat.S_ISREG(found.st_mode):
            raise ChartError(
                f"cannot load irregular file {entry.path} as it has file mode type bits set", "leave it out: .helmignore"
            )
        else:
            budget.spend(name, found.st_size)
            try:
                # At once: a buffer, which takes as long as the file, would be of no use.
                with open(entry.path, "rb", buffering=0) as file:
                    yield File(name, file.read()[:MAX_FILE_BYTES].removeprefix(_BOM))
            except OSError as error:
                raise ChartError(f"error reading {name}: {_reason(error)}", "correct its permissions") from None


def archive_files(data: bytes, what: str, budget: Budget) -> list[File]:
    """The files of an archive, its top folder left out. Raises ChartError for one that would write outside of it."""
    import tarfile
    import zlib

    if not data.startswith(_GZIP):
        raise ChartError(
            f"file '{what}' does not appear to be a gzipped archive; got '{_sniffed(data)}'", "pack it: corral chart package"
        )
    files = []
    try:
        # Not tarfile's own "r|gz": before Python 3.11.5 it stumbles over the comment that Helm puts into each archive.
        unpacked = _Unpacked(data)
        with tarfile.open(fileobj=unpacked, mode="r|") as archive:  # type: ignore[call-overload]  # it only reads
            for member in archive:
                unpacked.expect(member.size)
                if member.isdir():
                    budget.spend(member.name, 0)
                    continue
                name = _safe_name(member.name)
                budget.spend(name, member.size)
                # A link in an archive has no content, for Helm as for us: it is never followed.
                content = archive.extractfile(member) if member.isreg() else None
                files.append(File(name, content.read().removeprefix(_BOM) if content else b""))
    except (tarfile.TarError, EOFError, zlib.error, OSError, ValueError, LookupError, RecursionError) as error:
        raise ChartError(
            f"file '{what}' does not appear to be a valid chart file (details: {error})", "fetch or pack it anew"
        ) from None
    if not files:
        raise ChartError("no files in chart archive", "pack it: corral chart package")
    return files


class _Unpacked:
    """What is packed in a gzip, piece by piece. Raises ChartError for more than was expected, as headers without end are."""

    def __init__(self, data: bytes) -> None:
        import gzip
        import io

        self._content = gzip.GzipFile(fileobj=io.BytesIO(data))
        self._is_over = False
        self._left = MAX_HEADER_BYTES
        self._left_in_all = MAX_CHART_BYTES + MAX_FILES * USUAL_HEADER_BYTES

    def expect(self, size_bytes: int) -> None:
        """A file of that size, and the next one's header, may be read now."""
        self._left += size_bytes + MAX_HEADER_BYTES

    def read(self, size: int) -> bytes:
        """The next bytes; none at the end. Behind it tarfile would look on for as many bytes as a file claims to have."""
        piece = self._content.read(size)
        if not piece and self._is_over:
            raise EOFError("unexpected end of data")
        self._is_over = not piece
        self._left -= len(piece)
        self._left_in_all -= len(piece)
        if self._left < 0 or self._left_in_all < 0:
            raise ChartError("the archive has headers without end", "do not use this archive")
        return piece


def _safe_name(path: str) -> str:
    delimiter = "\\" if "\\" in path else "/"
    top, _, rest = path.partition(delimiter)
    rest = rest.replace(delimiter, "/")
    if rest.startswith("/"):
        raise ChartError("chart illegally contains absolute paths", "do not use this archive")
    name = os.path.normpath(rest) if rest else "."
    if name == ".":
        raise ChartError(f'chart illegally contains content outside the base directory: "{path}"', "do not use this archive")
    if name.startswith(".."):
        raise ChartError("chart illegally references parent directory", "do not use this archive")
    if _DRIVE.match(name):
        raise ChartError("chart contains illegally named files", "do not use this archive")
    if top == "Chart.yaml":
        raise ChartError("chart yaml not in base directory", "pack it: corral chart package")
    return name


def of_files(files: Iterable[File], budget: Budget | None = None, depth: int = 0) -> Chart:
    """The chart that these files make. Raises ChartError."""
    budget = budget or Budget()
    if depth > MAX_NESTED:
        raise ChartError(f"charts within charts more than {MAX_NESTED} deep", "flatten charts/")
    raw = list(files)
    chart = Chart({}, raw=raw)
    subcharts: dict[str, list[File]] = {}
    found = _read_metadata(chart)
    for file in raw:
        _place(chart, file, subcharts)
    if not found:
        raise ChartError("Chart.yaml file is missing", "give the folder that holds Chart.yaml")
    check(chart.metadata)
    for name, content in sorted(subcharts.items()):
        if name[0] in "_.":
            continue
        try:
            sub = _subchart(name, content, chart.name, budget, depth)
        except ChartError as error:
            raise ChartError(f"error unpacking {name} in {chart.name}: {error.message}", error.remedy) from None
        sub.parent = chart
        chart.dependencies.append(sub)
    return chart


def _read_metadata(chart: Chart) -> bool:
    content = chart.file("Chart.yaml")
    if content is None:
        return False
    chart.metadata = metadata_of(yamlfile.read(content, "cannot load Chart.yaml", exact=True))
    chart.metadata.setdefault("apiVersion", "v1")
    return True


def _place(chart: Chart, file: File, subcharts: dict[str, list[File]]) -> None:
    """Put a file where it belongs."""
    name = file.name
    if name == "Chart.yaml":
        return
    if name == "values.yaml":
        values = yamlfile.read(file.data, "cannot load values.yaml")
        if not isinstance(values, dict | None):
            raise ChartError(
                "cannot load values.yaml: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal "
                f"{'array' if isinstance(values, list) else 'value'} into Go value of type map[string]interface {{}}",
                "values.yaml holds a mapping",
            )
        chart.values = values or {}
    elif name == "values.schema.json":
        chart.schema = file.data
    elif name in ("Chart.lock", "requirements.lock"):
        chart.lock = lock_of(yamlfile.read(file.data, f"cannot load {name}", exact=True), name)
        if name == "requirements.lock" and chart.metadata.get("apiVersion") == "v1":
            chart.files.append(file)
    elif name == "requirements.yaml":
        if chart.metadata.get("apiVersion", "v1") != "v1":
            print(
                'Warning: Dependencies are handled in Chart.yaml since apiVersion "v2". We recommend migrating dependencies to '
                "Chart.yaml.",
                file=sys.stderr,
            )
        chart.metadata |= metadata_of(yamlfile.read(file.data, f"cannot load {name}", exact=True), name)
        if chart.metadata.get("apiVersion") == "v1":
            chart.files.append(file)
    elif name.startswith("templates/"):
        chart.templates.append(file)
    elif name.startswith("charts/") and not name.endswith(".prov"):
        path = name.removeprefix("charts/")
        subcharts.setdefault(path.split("/", 1)[0], []).append(File(path, file.data))
    else:
        chart.files.append(file)


def _subchart(name: str, files: list[File], parent: str, budget: Budget, depth: int) -> Chart:
    if name.endswith(".tgz"):
        if files[0].name != name:
            raise ChartError(f"error unpacking tar in {parent}: expected {name}, got {files[0].name}", "correct charts/")
        if not files[0].data.startswith(_GZIP):
            raise ChartError("gzip: invalid header", f"charts/{name} is no archive")
        return of_files(archive_files(files[0].data, name, budget), budget, depth + 1)
    inner = [File(file.name.split("/", 1)[1], file.data) for file in files if "/" in file.name]
    return of_files(inner, budget, depth + 1)


def _sniffed(data: bytes) -> str:
    """What a file is by its first bytes, as Go's http.DetectContentType calls it."""
    if data[257:262] == b"ustar" or b"\x00" in data[:512]:
        return "application/octet-stream"
    return "text/plain; charset=utf-8"


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
