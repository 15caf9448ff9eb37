"""A chart in memory: metadata, values, templates, other files, and the charts it brings with it.

Values are JSON-shaped; a number of a YAML file is a float, as Go's JSON reader makes it, one of `--set` an int.
https://helm.sh/docs/topics/charts/
"""

from corral.base.annotations import Any, Iterator, NamedTuple

Values = dict[str, Any]


class File(NamedTuple):
    """One file; its name is relative to the chart's folder, with slashes."""

    name: str
    data: bytes


class Crd(NamedTuple):
    """A file of `crds/`, and its path from the top chart on."""

    path: str
    file: File


class Chart:
    """A chart. `metadata` holds the fields of Chart.yaml that Helm knows, in Helm's types; `raw` every file as it was read."""

    __slots__ = ("dependencies", "files", "lock", "metadata", "parent", "raw", "schema", "templates", "values")

    def __init__(
        self,
        metadata: dict[str, Any],
        values: Values | None = None,
        schema: bytes | None = None,
        lock: dict[str, Any] | None = None,
        templates: list[File] | None = None,
        files: list[File] | None = None,
        raw: list[File] | None = None,
    ) -> None:
        self.metadata = metadata
        self.values: Values = values or {}
        self.schema = schema
        self.lock = lock
        self.templates = templates or []
        self.files = files or []
        self.raw = raw or []
        self.parent: Chart | None = None
        self.dependencies: list[Chart] = []

    @property
    def name(self) -> str:
        """The chart's name, or its alias."""
        name: str = self.metadata.get("name", "")
        return name

    @property
    def version(self) -> str:
        """The chart's version."""
        version: str = self.metadata.get("version", "")
        return version

    @property
    def is_root(self) -> bool:
        """Whether no chart brought it."""
        return self.parent is None

    @property
    def is_library(self) -> bool:
        """Whether it only lends templates to others."""
        return self.metadata.get("type") == "library"

    @property
    def full_path(self) -> str:
        """Where its templates are said to be: `parent/charts/name`."""
        return self.name if self.parent is None else f"{self.parent.full_path}/charts/{self.name}"

    def bring(self, *charts: "Chart") -> None:
        """Have exactly these dependencies."""
        self.dependencies = list(charts)
        for chart in charts:
            chart.parent = self

    def renamed(self, alias: str) -> "Chart":
        """A copy of this chart under another name; its dependencies stay those of the original, as in Helm."""
        return self.with_metadata({**self.metadata, "name": alias} if alias else dict(self.metadata))

    def with_metadata(self, metadata: dict[str, Any]) -> "Chart":
        """A copy of this chart with another Chart.yaml; it shares everything else."""
        copy = Chart(metadata, self.values, self.schema, self.lock, self.templates, self.files, self.raw)
        copy.parent, copy.dependencies = self.parent, self.dependencies
        return copy

    def crds(self) -> Iterator[Crd]:
        """The files of `crds/`, its own first."""
        for file in self.files:
            if file.name.startswith("crds/") and file.name.endswith((".yaml", ".yml", ".json")):
                yield Crd(f"{self.full_path}/{file.name}", file)
        for chart in self.dependencies:
            yield from chart.crds()

    def file(self, name: str) -> bytes | None:
        """A file's bytes as they were read."""
        return next((f.data for f in self.raw if f.name == name), None)
