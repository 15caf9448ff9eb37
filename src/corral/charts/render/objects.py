"""The objects at the top of a template's scope: `.Chart`, `.Files`, `.Capabilities`."""

from corral.base.annotations import TYPE_CHECKING, Any, Callable, Iterable, Iterator, Mapping
from corral.charts.render.gotypes import NilSlice, NilStringMap, NilStrings, StringMap, Strings, Struct, decoded

if TYPE_CHECKING:
    import re


_FIELDS = {
    "Name": ("name", True),
    "Home": ("home", True),
    "Sources": ("sources", True),
    "Version": ("version", True),
    "Description": ("description", True),
    "Keywords": ("keywords", True),
    "Maintainers": ("maintainers", True),
    "Icon": ("icon", True),
    "APIVersion": ("apiVersion", True),
    "Condition": ("condition", True),
    "Tags": ("tags", True),
    "AppVersion": ("appVersion", True),
    "Deprecated": ("deprecated", True),
    "Annotations": ("annotations", True),
    "KubeVersion": ("kubeVersion", True),
    "Dependencies": ("dependencies", True),
    "Type": ("type", True),
}


class _Record(Struct):
    """A struct whose fields are attributes of the Go names."""

    __slots__ = ("__dict__",)

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


class Maintainer(_Record):
    """chart.Maintainer."""

    go_type = "*chart.Maintainer"
    fields = {"Name": ("Name", "name", True), "Email": ("Email", "email", True), "URL": ("URL", "url", True)}  # noqa: RUF012


class Dependency(_Record):
    """chart.Dependency."""

    go_type = "*chart.Dependency"
    fields = {  # noqa: RUF012
        "Name": ("Name", "name", False),
        "Version": ("Version", "version", True),
        "Repository": ("Repository", "repository", False),
        "Condition": ("Condition", "condition", True),
        "Tags": ("Tags", "tags", True),
        "Enabled": ("Enabled", "enabled", True),
        "ImportValues": ("ImportValues", "import-values", True),
        "Alias": ("Alias", "alias", True),
    }


class _Maintainers(list[Any]):
    go_type = "[]*chart.Maintainer"
    element = "*chart.Maintainer"


class _Dependencies(list[Any]):
    go_type = "[]*chart.Dependency"
    element = "*chart.Dependency"


class _NoMaintainers(NilSlice):
    go_type = _Maintainers.go_type
    element = _Maintainers.element


class _NoDependencies(NilSlice):
    go_type = _Dependencies.go_type
    element = _Dependencies.element


class _ChartMetadata(_Record):
    """chart.Metadata."""

    go_type = "chart.Metadata"
    pointer = False
    fields = {name: (name, json_name, omitempty) for name, (json_name, omitempty) in _FIELDS.items()}  # noqa: RUF012


class Metadata(_Record):
    """`.Chart`: the fields of Chart.yaml, and IsRoot."""

    go_type = "struct { chart.Metadata; IsRoot bool }"
    pointer = False
    comparable = False
    fields = {  # noqa: RUF012
        **{name: (name, json_name, omitempty) for name, (json_name, omitempty) in _FIELDS.items()},
        "IsRoot": ("IsRoot", "IsRoot", False),
    }

    def items(self) -> Iterator[tuple[str, Any, str, bool]]:
        """The embedded chart.Metadata, and IsRoot."""
        yield "Metadata", _ChartMetadata(**self.__dict__), "", False
        yield "IsRoot", self.IsRoot, "IsRoot", False


def metadata(chart_yaml: Mapping[str, Any], *, is_root: bool) -> Metadata:
    """`.Chart` from what Chart.yaml holds."""
    values: dict[str, Any] = {}
    for name, (key, _) in _FIELDS.items():
        value = chart_yaml.get(key)
        if name in ("Sources", "Keywords"):
            values[name] = Strings(value) if value else NilStrings()
        elif name == "Annotations":
            values[name] = NilStringMap() if value is None else StringMap(value)
        elif name == "Deprecated":
            values[name] = bool(value)
        elif name == "Maintainers":
            values[name] = _NoMaintainers() if value is None else _Maintainers(map(_maintainer, value))
        elif name == "Dependencies":
            values[name] = _NoDependencies() if value is None else _Dependencies(map(_dependency, value))
        else:
            values[name] = "" if value is None else value
    return Metadata(IsRoot=is_root, **values)


def _maintainer(one: Mapping[str, Any]) -> Maintainer:
    return Maintainer(Name=one.get("name") or "", Email=one.get("email") or "", URL=one.get("url") or "")


def _dependency(one: Mapping[str, Any]) -> Dependency:
    return Dependency(
        Name=one.get("name") or "",
        Version=one.get("version") or "",
        Repository=one.get("repository") or "",
        Condition=one.get("condition") or "",
        Tags=Strings(one.get("tags") or ()),
        Enabled=bool(one.get("enabled")),
        ImportValues=[StringMap(what) if isinstance(what, dict) else what for what in one.get("import-values") or ()],
        Alias=one.get("alias") or "",
    )


class Files(dict[str, bytes]):
    """`.Files`: what a chart holds beside its templates, by path."""

    missing = b""

    go_type = "engine.files"
    methods = {  # noqa: RUF012
        "Get": ("get_text", ("string",)),
        "GetBytes": ("get_bytes", ("string",)),
        "Glob": ("glob", ("string",)),
        "Lines": ("lines", ("string",)),
        "AsConfig": ("as_config", ()),
        "AsSecrets": ("as_secrets", ()),
    }

    def get_bytes(self, name: str) -> bytes:
        """A file's bytes; none if there is no such file."""
        return self.get(name, b"")

    def get_text(self, name: str) -> str:
        """A file as a string."""
        return decoded(self.get(name, b""))

    def glob(self, pattern: str) -> "Files":
        """The files whose paths match a pattern."""
        regex = _glob(pattern) or _glob("**")  # as in Helm, a pattern that is none means all
        assert regex
        return Files({name: data for name, data in self.items() if regex.fullmatch(name)})

    def lines(self, name: str) -> list[str]:
        """A file's lines."""
        if not self.get(name):
            return Strings()
        text = self.get_text(name)
        return Strings(text.split("\n"))

    def as_config(self) -> str:
        """The files as the data of a ConfigMap, in YAML."""
        return _as_yaml({name.rpartition("/")[2]: decoded(data) for name, data in self.items()})

    def as_secrets(self) -> str:
        """The files as the data of a Secret, in YAML."""
        from base64 import b64encode

        return _as_yaml({name.rpartition("/")[2]: b64encode(data).decode() for name, data in self.items()})


def _as_yaml(value: Any) -> str:
    from corral.charts.render import yamlwriter

    try:
        return yamlwriter.dump(value).removesuffix("\n")
    except yamlwriter.UnwritableError:
        return ""


def _glob(pattern: str) -> "re.Pattern[str] | None":
    """A pattern of gobwas/glob with "/" between names: `*`, `**`, `?`, `[a-z]`, `[!a]`, `{a,b}`; None if it is none."""
    import re

    made: list[str] = []
    at, depth = 0, 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            stars = len(pattern[at - 1 :]) - len(pattern[at - 1 :].lstrip("*"))
            at += stars - 1
            made.append("[^/]*" if stars == 1 else ".*")
        elif char == "?":
            made.append("[^/]")
        elif char == "[":
            if "]" not in pattern[at + 1 :]:
                return None
            end = pattern.index("]", at + 1)
            inside = pattern[at:end].replace("\\", "\\\\")
            made.append(f"[^{inside[1:]}]" if inside[0] == "!" else f"[{inside}]")
            at = end + 1
        elif char == "{":
            depth += 1
            made.append("(?:")
        elif char == "}" and depth:
            depth -= 1
            made.append(")")
        elif char == "," and depth:
            made.append("|")
        else:
            if char == "\\" and at < len(pattern):
                char = pattern[at]
                at += 1
            made.append(re.escape(char))
    try:
        return re.compile("".join(made), re.DOTALL) if not depth else None
    except re.error:
        return None


class KubeVersion(_Record):
    """`.Capabilities.KubeVersion`."""

    go_type = "chartutil.KubeVersion"
    pointer = False
    fields = {name: (name, name, False) for name in ("Version", "Major", "Minor")}  # noqa: RUF012
    methods = {"String": ("printed", ()), "GitVersion": ("printed", ())}  # noqa: RUF012

    def printed(self) -> str:
        """The version; only pointers have the String method, so that `print` and `quote` show a struct."""
        return str(self.Version)


class HelmVersion(_Record):
    """`.Capabilities.HelmVersion`."""

    go_type = "version.BuildInfo"
    pointer = False
    fields = {  # noqa: RUF012
        "Version": ("Version", "version", True),
        "GitCommit": ("GitCommit", "git_commit", True),
        "GitTreeState": ("GitTreeState", "git_tree_state", True),
        "GoVersion": ("GoVersion", "go_version", True),
    }


class VersionSet(Strings):
    """`.Capabilities.APIVersions`."""

    go_type = "chartutil.VersionSet"
    methods = {"Has": ("has", ("string",))}  # noqa: RUF012

    def has(self, api_version: str) -> bool:
        """Whether the cluster has a version (`apps/v1`) or a kind of it (`apps/v1/Deployment`)."""
        return api_version in self


class Capabilities(_Record):
    """`.Capabilities`."""

    go_type = "*chartutil.Capabilities"
    fields = {name: (name, name, False) for name in ("KubeVersion", "APIVersions", "HelmVersion")}  # noqa: RUF012

    def __getattr__(self, name: str) -> Any:
        if name != "APIVersions":
            raise AttributeError(name)
        found = self.__dict__[name] = VersionSet(self.api_versions())
        return found


#: The Helm that templates find themselves rendered by.
_HELM = HelmVersion(
    Version="v3.10.1", GitCommit="9f88ccb6aee40b9a0535fcc7efea6055e1ef72c9", GitTreeState="clean", GoVersion="go1.18.7"
)


def capabilities(kube_version: str, api_versions: Callable[[], Iterable[str]]) -> Capabilities:
    """`.Capabilities` of a cluster: `kube_version` as "v1.36.0"; `api_versions` is asked when a template wants to know them."""
    major, _, rest = kube_version.removeprefix("v").partition(".")
    minor = rest.partition(".")[0]
    return Capabilities(
        KubeVersion=KubeVersion(Version=kube_version, Major=major, Minor=minor),
        api_versions=api_versions,
        HelmVersion=_HELM,
    )


def files(contents: Mapping[str, bytes]) -> Files:
    """`.Files` of a chart."""
    return Files(contents)
