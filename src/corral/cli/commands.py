"""The list of commands, each a module of its own."""

from cyclopts import App, CycloptsError, Parameter

from corral import KUBERNETES_VERSION, __version__


def _misuse(error: CycloptsError) -> object:
    """What is wrong with the command line, in two lines."""
    from rich.text import Text

    command = " ".join(["corral", *(error.command_chain or ())])
    return Text(f"corral: {error}\n  → see how it is used: {command} --help")


app = App(
    name="corral",
    help="Kubernetes as a Python package: `corral up` starts a cluster that runs real containers.",
    version=f"corral {__version__} (Kubernetes {KUBERNETES_VERSION})",
    default_parameter=Parameter(show_default=False),
    error_formatter=_misuse,
    help_epilogue="First steps, as root: `corral up`, `kubectl get nodes`, `corral down`.",
)

#: What a person looks for first comes first.
SHOWN = (
    ("up:up", "up", "Start a cluster, and return when its node is Ready."),
    ("down:down", "down", "Stop a cluster and remove all it made on this host; --purge forgets its data too."),
    ("status:status", "status", "Show what runs."),
    ("logs:logs", "logs", "Print a component's log."),
    ("kubeconfig:kubeconfig", "kubeconfig", "Print the administrator's kubeconfig."),
    ("image:app", "image", "Build, load, list and remove the node's images."),
    ("rotate:rotate", "rotate", "Make a new key for what is encrypted, or for service accounts' tokens."),
    ("chart.main:listed", "chart", "Helm's packages: render, install, upgrade, on any Kubernetes."),
    ("doctor:doctor", "doctor", "Check what this host needs, and say how to get it."),
)
for order, (target, name, what) in enumerate(SHOWN):
    app.command(f"corral.cli.{target}", name=name, help=what, sort_key=order)
app.command("corral.cli.server:server", name="server", help="Run the API server, controllers and scheduler.", show=False)
app.command("corral.cli.node:node", name="node", help="Run the node agent, service proxy and DNS.", show=False)
