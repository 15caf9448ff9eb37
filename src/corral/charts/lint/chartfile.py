"""Chart.yaml."""

from corral.base.annotations import Any, Iterator
from corral.base.patterns import pattern
from corral.charts import versions
from corral.charts.chart.errors import ChartError
from corral.charts.chart.metadata import metadata_of
from corral.charts.lint.messages import ERROR, INFO, Findings

PATH = "Chart.yaml"
_MAIL = pattern(r"[^@\s]+@[^@\s]+")
_GO = {bool: "bool", int: "float64", float: "float64", list: "[]interface {}", dict: "map[string]interface {}"}


def examine(content: Any, findings: Findings) -> None:
    """Look at the value of Chart.yaml."""
    try:
        metadata = metadata_of(content)
    except ChartError as error:
        findings.add(ERROR, PATH, f"unable to parse YAML\n\t{error.message.removeprefix('cannot load Chart.yaml: ')}")
        return
    findings.add(ERROR, PATH, "" if metadata.get("name") else "name is required")
    api = metadata.get("apiVersion", "")
    findings.add(ERROR, PATH, _api_version(api))
    for field in ("version", "appVersion"):
        findings.add(ERROR, PATH, _text(content, field))
    findings.add(ERROR, PATH, _version(metadata.get("version", "")))
    findings.add(ERROR, PATH, next(_maintainers(metadata), ""))
    findings.add(ERROR, PATH, next((f"invalid source URL '{s}'" for s in metadata.get("sources", ()) if not _is_url(s)), ""))
    icon = metadata.get("icon")
    findings.add(INFO, PATH, "" if icon else "icon is recommended")
    findings.add(ERROR, PATH, f"invalid icon URL '{icon}'" if icon and not _is_url(icon) else "")
    if api == "v1":
        findings.add(ERROR, PATH, _only_v2("chart type is", "type" in metadata, api))
        findings.add(ERROR, PATH, _only_v2("dependencies are", "dependencies" in metadata, api, "in the Chart file with "))


def _api_version(api: str) -> str:
    must = 'The value must be either "v1" or "v2"'
    if not api:
        return f"apiVersion is required. {must}"
    return "" if api in ("v1", "v2") else f"apiVersion '{api}' is not valid. {must}"


def _text(content: Any, field: str) -> str:
    value = content.get(field)
    wrong = value is not None and not isinstance(value, str)
    return f"{field} should be of type string but it's of type {_GO.get(type(value), 'nil')}" if wrong else ""


def _version(version: str) -> str:
    if not version:
        return "version is required"
    found = versions.parse(version)
    if found is None:
        return f"version '{version}' is not a valid SemVer"
    return "" if versions.satisfies(version, ">0.0.0-0") else f"version {found.shown()} is less than or equal to 0.0.0-0"


def _maintainers(metadata: dict[str, Any]) -> Iterator[str]:
    for one in metadata.get("maintainers", ()):
        name, mail, url = one.get("name", ""), one.get("email", ""), one.get("url", "")
        if not name:
            yield "each maintainer requires a name"
        elif mail and not _MAIL.fullmatch(mail):
            yield f"invalid email '{mail}' for maintainer '{name}'"
        elif url and not _is_url(url):
            yield f"invalid url '{url}' for maintainer '{name}'"


def _only_v2(what: str, there: bool, api: str, where: str = "in ") -> str:
    pronoun = "It is" if what.endswith(" is") else "They are"
    return f"{what} not valid {where}apiVersion '{api}'. {pronoun} valid in apiVersion 'v2'" if there else ""


def _is_url(text: str) -> bool:
    if "://" not in text:
        return False
    from urllib.parse import urlsplit

    return bool(urlsplit(text).netloc)
