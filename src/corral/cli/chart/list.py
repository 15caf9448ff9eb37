"""List releases: those that are deployed or have failed; of all namespaces with -A, of all states with -a."""

from corral.base.errors import CorralError
from corral.charts.releases.model import (
    DEPLOYED,
    FAILED,
    PENDING_INSTALL,
    PENDING_ROLLBACK,
    PENDING_UPGRADE,
    STATUSES,
    SUPERSEDED,
    UNINSTALLED,
    UNINSTALLING,
    Release,
)
from corral.cli.chart.flags import Flag, UsageError
from corral.cli.chart.options import OUTPUT, Options
from corral.cli.chart.output import check_format, show, table, warn
from corral.cli.chart.releaseview import row
from corral.cli.chart.session import stored

USAGE = "list [flags]"
FLAGS = (
    OUTPUT,
    Flag("all", "bool", "releases of all states", "a"),
    Flag("all-namespaces", "bool", "releases of all namespaces", "A"),
    Flag("date", "bool", "by the date", "d"),
    Flag("deployed", "bool", "deployed ones"),
    Flag("failed", "bool", "failed ones"),
    Flag("pending", "bool", "those that something is being done to"),
    Flag("superseded", "bool", "superseded revisions"),
    Flag("uninstalled", "bool", "uninstalled ones that kept their history"),
    Flag("uninstalling", "bool", "those being uninstalled"),
    Flag("filter", "string", "a regular expression that names must match", "f"),
    Flag("max", "int", "at most so many", "m", default=256),
    Flag("offset", "int", "skip so many"),
    Flag("reverse", "bool", "the other way round", "r"),
    Flag("selector", "string", "labels of the releases", "l"),
    Flag("short", "bool", "only names", "q"),
    Flag("no-headers", "bool", "no heading"),
    Flag("time-format", "string", "how to print times, in Go's way"),
)
_STATES = {
    "deployed": (DEPLOYED,),
    "failed": (FAILED,),
    "pending": (PENDING_INSTALL, PENDING_UPGRADE, PENDING_ROLLBACK),
    "superseded": (SUPERSEDED,),
    "uninstalled": (UNINSTALLED,),
    "uninstalling": (UNINSTALLING,),
}
HEADING = ("NAME", "NAMESPACE", "REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION")


def run(options: Options, arguments: list[str]) -> None:
    """List."""
    check_format(options.output)
    if arguments:
        raise UsageError('"corral chart list" accepts no arguments', f"Usage:  corral chart {USAGE}")
    releases = chosen(options, _found(options))
    if options.short:
        show(options.output, [r.name for r in releases], lambda: "".join(f"{r.name}\n" for r in releases))
        return
    rows = [row(release, options.time_format) for release in releases]
    heading = [] if options.no_headers else [HEADING]
    show(options.output, rows, lambda: table([*heading, *(tuple(r.values()) for r in rows)]))


def _found(options: Options) -> list[Release]:
    with stored(options, everywhere=options.all_namespaces) as releases:
        found = releases.all(options.selector) if options.superseded else releases.latest(options.selector)
        for error in releases.damaged:
            warn(f"WARNING: {error.message}\n  → {error.remedy}")
        return found


def chosen(options: Options, releases: list[Release]) -> list[Release]:
    """Those that the flags ask for, in their order."""
    wanted = set(STATUSES) if options.all else {s for flag, found in _STATES.items() if options.values[flag] for s in found}
    wanted = wanted or {DEPLOYED, FAILED}
    _is_named(options.filter, "")
    found = [r for r in releases if r.status in wanted and _is_named(options.filter, r.name)]
    found.sort(key=lambda r: (r.last_deployed if options.date else r.name, r.namespace, r.version), reverse=options.reverse)
    end = options.offset + options.max if options.max > 0 else None
    return found[options.offset : end]


def _is_named(expression: str, name: str) -> bool:
    """Whether the expression is found in the name. Raises CorralError for what is none."""
    if not expression:
        return True
    from corral.charts.render.regexes import compiled

    try:
        return compiled(expression).matches(name.encode())
    except ValueError as error:
        raise CorralError(str(error), "correct --filter") from None
