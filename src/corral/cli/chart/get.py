"""Show what is stored of a release."""

import sys

from corral.base.annotations import Callable
from corral.charts.releases.codec import plain
from corral.charts.releases.model import Release
from corral.charts.values.coalesce import coalesce
from corral.cli.chart.flags import Flag, UsageError
from corral.cli.chart.options import OUTPUT, REVISION, Options
from corral.cli.chart.output import as_yaml, show
from corral.cli.chart.releaseview import as_object, in_template, summary
from corral.cli.chart.session import released

_WORDS = ("all", "values", "manifest", "notes", "hooks", "metadata")
USAGE = {f"get {word}": f"get {word} NAME [flags]" for word in _WORDS}
FLAGS = {
    "get all": (REVISION, OUTPUT, Flag("template", "string", "print this template, of .Release")),
    "get values": (REVISION, OUTPUT, Flag("all", "bool", "with the chart's own", "a")),
    "get manifest": (REVISION, OUTPUT),
    "get notes": (REVISION, OUTPUT),
    "get hooks": (REVISION, OUTPUT),
    "get metadata": (REVISION, OUTPUT),
}


def run(options: Options, arguments: list[str]) -> None:
    """Print the part that the command names."""
    command = options.values["command"]
    if len(arguments) != 1:
        raise UsageError(f'"corral chart {command}" requires 1 argument', f"Usage:  corral chart {USAGE[command]}")
    release = released(options, arguments[0], options.revision)
    _PARTS[command.split()[1]](options, release)


def _all(options: Options, release: Release) -> None:
    if options.template:
        from corral.charts.render import Template, render

        known = {"Release": in_template(release)}
        sys.stdout.write(render({"template": Template(options.template, known, "")})["template"])
        return
    show(options.output, as_object(release), lambda: summary(release, debug=True))


def _values(options: Options, release: Release) -> None:
    values = plain(coalesce(release.chart, release.config)) if options.all else plain(release.config) or None
    title = "COMPUTED VALUES" if options.all else "USER-SUPPLIED VALUES"
    show(options.output, values, lambda: f"{title}:\n{as_yaml(values)}")


def _manifest(options: Options, release: Release) -> None:
    show(options.output, release.manifest, lambda: release.manifest + "\n")


def _notes(options: Options, release: Release) -> None:
    show(options.output, release.notes, lambda: f"NOTES:\n{release.notes}\n" if release.notes else "")


def _hooks(options: Options, release: Release) -> None:
    hooks = as_object(release).get("hooks", [])
    show(options.output, hooks, lambda: "".join(f"---\n# Source: {hook.path}\n{hook.manifest}\n" for hook in release.hooks))


def _metadata(options: Options, release: Release) -> None:
    facts = {
        "name": release.name,
        "chart": release.metadata.get("name", ""),
        "version": release.metadata.get("version", ""),
        "appVersion": release.metadata.get("appVersion", ""),
        "namespace": release.namespace,
        "revision": release.version,
        "status": release.status,
        "deployedAt": release.last_deployed,
    }
    titles = ("NAME", "CHART", "VERSION", "APP_VERSION", "NAMESPACE", "REVISION", "STATUS", "DEPLOYED_AT")
    show(options.output, facts, lambda: "".join(f"{t}: {v}\n" for t, v in zip(titles, facts.values(), strict=True)))


_PARTS: dict[str, Callable[[Options, Release], None]] = {
    "all": _all,
    "values": _values,
    "manifest": _manifest,
    "notes": _notes,
    "hooks": _hooks,
    "metadata": _metadata,
}
