"""A release as a person or a program reads it: Helm's summary after an install, rows of lists, the whole as JSON."""

from datetime import datetime

from corral.base.annotations import Any
from corral.charts.releases.codec import content_of_release
from corral.charts.releases.model import Release
from corral.cli.chart.output import as_yaml

DRY_RUN = "Dry run complete"
#: What a stored release does not say of its chart.
MISSING = "MISSING"
_FIELDS = {"apiVersion": "APIVersion"}


def summary(release: Release, *, description: bool = False, debug: bool = False) -> str:
    """What is printed after an install, an upgrade, and by `status`."""
    lines = [f"NAME: {release.name}"]
    if release.last_deployed:
        lines.append(f"LAST DEPLOYED: {ansi_c(release.last_deployed)}")
    lines += [f"NAMESPACE: {release.namespace}", f"STATUS: {release.status}", f"REVISION: {release.version}"]
    if description:
        lines.append(f"DESCRIPTION: {release.description}")
    lines += _tests(release)
    text = "\n".join(lines) + "\n"
    if debug:
        text += values_text(release)
    if debug or release.description.lower() == DRY_RUN.lower():
        hooks = "".join(f"---\n# Source: {hook.path}\n{hook.manifest}\n" for hook in release.hooks)
        text += f"HOOKS:\n{hooks}MANIFEST:\n{release.manifest}\n"
    if release.notes:
        text += f"NOTES:\n{release.notes.strip()}\n"
    return text


def values_text(release: Release) -> str:
    """The values that the user gave, and those with the chart's own."""
    from corral.charts.values.coalesce import coalesce

    given = as_yaml(release.config or None)
    return f"USER-SUPPLIED VALUES:\n{given}\nCOMPUTED VALUES:\n{as_yaml(coalesce(release.chart, release.config))}\n"


def _tests(release: Release) -> list[str]:
    tests = [hook for hook in release.hooks if "test" in hook.events]
    if not tests:
        return ["TEST SUITE: None"]
    lines = []
    for hook in tests:
        run = hook.last_run
        if run.get("started_at"):
            lines += [
                f"TEST SUITE:     {hook.name}",
                f"Last Started:   {ansi_c(run['started_at'])}",
                f"Last Completed: {ansi_c(run.get('completed_at', ''))}",
                f"Phase:          {run.get('phase', '')}",
            ]
    return lines


def as_object(release: Release) -> dict[str, Any]:
    """The whole, as it is stored."""
    return content_of_release(release)


def in_template(release: Release) -> dict[str, Any]:
    """What `get all --template` can take of it, by the names of Helm's fields."""
    about = {_FIELDS.get(key, key[:1].upper() + key[1:]): value for key, value in release.metadata.items()}
    return {
        "Name": release.name,
        "Namespace": release.namespace,
        "Version": release.version,
        "Manifest": release.manifest,
        "Config": release.config,
        "Labels": release.labels,
        "Info": {
            "Status": release.status,
            "Description": release.description,
            "Notes": release.notes,
            "FirstDeployed": go_time(release.first_deployed),
            "LastDeployed": go_time(release.last_deployed),
        },
        "Chart": {"Metadata": about, "Name": about.get("Name", ""), "Values": release.chart.values},
        "Hooks": [
            {"Name": h.name, "Kind": h.kind, "Path": h.path, "Manifest": h.manifest, "Weight": h.weight, "Events": h.events}
            for h in release.hooks
        ],
    }


def row(release: Release, layout: str = "") -> dict[str, str]:
    """What `list` shows of it; `layout` is how Go writes its time."""
    return {
        "name": release.name,
        "namespace": release.namespace,
        "revision": str(release.version),
        "updated": _by_layout(release.last_deployed, layout) if layout else go_time(release.last_deployed),
        "status": release.status,
        "chart": chart_of(release),
        "app_version": app_version_of(release),
    }


def app_version_of(release: Release) -> str:
    """The version of what the chart installs."""
    text: str = release.metadata.get("appVersion", "") if release.metadata else MISSING
    return text


def chart_of(release: Release) -> str:
    """`nginx-1.2.3`."""
    metadata = release.metadata
    return f"{metadata.get('name', '')}-{metadata.get('version', '')}" if metadata else MISSING


def ansi_c(text: str) -> str:
    """A stored time as `Mon Jan  2 15:04:05 2006`."""
    when = _time(text)
    return f"{when:%a %b} {when.day:>2} {when:%H:%M:%S %Y}" if when else text


def go_time(text: str) -> str:
    """A stored time as Go prints one: `2006-01-02 15:04:05.123 +0000 UTC`."""
    when = _time(text)
    if when is None:
        return text
    fraction = text[19:].split("Z", maxsplit=1)[0].split("+", maxsplit=1)[0].split("-", maxsplit=1)[0].rstrip("0").rstrip(".")
    offset = when.strftime("%z") or "+0000"
    local = when.astimezone()
    zone = local.strftime("%Z") if local.utcoffset() == when.utcoffset() else "UTC" if offset == "+0000" else offset
    return f"{when:%Y-%m-%d %H:%M:%S}{fraction} {offset} {zone}"


def _by_layout(text: str, layout: str) -> str:
    from corral.charts.render import gotime

    when = _time(text)
    return gotime.Time(when).format(layout) if when else text


def _time(text: str) -> datetime | None:
    try:
        # Go writes nine decimals; Python reads six.
        head, dot, rest = text.partition(".")
        digits = len(rest) - len(rest.lstrip("0123456789"))
        return datetime.fromisoformat(f"{head}.{rest[:digits][:6].ljust(6, '0')}{rest[digits:]}" if dot else text)
    except ValueError:
        return None
