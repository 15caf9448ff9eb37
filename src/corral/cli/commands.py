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
)

app.command("corral.cli.up:up", name="up", help="Start a cluster, and return when its node is Ready.")
app.command("corral.cli.down:down", name="down", help="Stop a cluster and remove all it made on this host.")
app.command("corral.cli.status:status", name="status", help="Show what runs.")
app.command("corral.cli.kubeconfig:kubeconfig", name="kubeconfig", help="Print the administrator's kubeconfig.")
app.command("corral.cli.logs:logs", name="logs", help="Print a component's log.")
app.command("corral.cli.image:app", name="image", help="Build, load, list and remove the node's images.")
app.command("corral.cli.doctor:doctor", name="doctor", help="Check what this host needs, and say how to get it.")
app.command("corral.cli.server:server", name="server", help="Run the API server, controllers and scheduler.", show=False)
app.command("corral.cli.node:node", name="node", help="Run the node agent, service proxy and DNS.", show=False)
