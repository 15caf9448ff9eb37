"""Show what an upgrade would change: `corral chart diff NAME CHART`, with upgrade's flags.

`corral chart diff NAME --revision N` compares the newest revision with an older one. Exits with 0; with --detailed-exitcode
2 where something would change.
"""

import os
import sys

from corral.base.errors import CorralError
from corral.charts.actions.upgrade import planned
from corral.charts.chart.model import Chart
from corral.charts.manifests.difference import Change, changes, text_of
from corral.charts.releases.storage import NotFoundError
from corral.cli.chart import install, upgrade
from corral.cli.chart.flags import Flag, UsageError
from corral.cli.chart.options import REVISION, Options
from corral.cli.chart.output import check_format, show
from corral.cli.chart.session import connected, stored

USAGE = "diff [upgrade] NAME CHART [flags]"
FLAGS = (
    *upgrade.FLAGS,
    REVISION,
    Flag("context", "int", "lines around a change; -1 is all", "C", default=3),
    Flag("color", "string", "auto, always or never", default="auto"),
    Flag("show-secrets", "bool", "show what Secrets hold"),
    Flag("detailed-exitcode", "bool", "exit with 2 where something would change"),
    Flag("allow-unreleased", "bool", "where there is no such release, show everything as new"),
)


def run(options: Options, arguments: list[str]) -> int:
    """Print the changes."""
    check_format(options.output)
    words = arguments[1:] if arguments[:1] == ["upgrade"] else arguments
    if len(words) == 1 and options.revision:
        before, after = _revisions(options, words[0])
    elif len(words) == 2:
        name, reference = words
        with install.loaded(options, reference) as chart:
            before, after = _planned(options, name, chart)
    else:
        raise UsageError('"corral chart diff" requires 2 arguments', f"Usage:  corral chart {USAGE}")
    found = changes(before, after, show_secrets=options.show_secrets)
    colour = options.color == "always" or (options.color == "auto" and sys.stdout.isatty() and "NO_COLOR" not in os.environ)
    show(options.output, [_as_object(c) for c in found], lambda: text_of(found, options.values["context"], colour=colour))
    return 2 if found and options.detailed_exitcode else 0


def _as_object(change: Change) -> dict[str, str]:
    return {"object": change.title, "change": change.kind, "before": change.before, "after": change.after}


def _planned(options: Options, name: str, chart: Chart) -> tuple[str, str]:
    with connected(options) as context:
        try:
            plan = planned(context, upgrade.wish_of(options, name, chart))
        except CorralError as error:
            if not options.allow_unreleased or not isinstance(error.__cause__ or error.__context__, NotFoundError):
                raise
            from corral.charts.actions.install import Install
            from corral.charts.actions.install import install as act

            wish = install.shared(options, name, chart)._replace(dry_run=True)
            return "", act(context, Install(wish)).manifest
        return plan.old.manifest, plan.new.manifest


def _revisions(options: Options, name: str) -> tuple[str, str]:
    with stored(options) as releases:
        return releases.get(name, options.revision).manifest, releases.get(name, 0).manifest
