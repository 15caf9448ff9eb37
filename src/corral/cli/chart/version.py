"""Show the version: Corral's, and the Helm whose charts and releases it reads."""

import sys

from corral import KUBERNETES_VERSION, __version__
from corral.cli.chart.flags import Flag
from corral.cli.chart.options import Options

USAGE = "version [flags]"
FLAGS = (
    Flag("short", "bool", "only the number"),
    Flag("template", "string", "print this template, of .Version, .GitCommit, .GitTreeState and .GoVersion"),
    Flag("client", "bool", "of Helm 2", "c", hidden=True),
)


def run(options: Options, arguments: list[str]) -> None:
    """Print it."""
    if options.template:
        from corral.charts.render import Template, render

        known = {"Version": f"v{__version__}", "GitCommit": "", "GitTreeState": "", "GoVersion": ""}
        sys.stdout.write(render({"template": Template(options.template, known, "")})["template"])
        return
    print(
        f"v{__version__}"
        if options.short
        else f"corral {__version__} (Kubernetes {KUBERNETES_VERSION}, charts and releases of Helm 3)"
    )
