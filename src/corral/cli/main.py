"""The command `corral`: a list of commands, each a module of its own, and how errors are told."""

import errno
import sys

from cyclopts import App, CycloptsError, Parameter

from corral import KUBERNETES_VERSION, __version__
from corral.base.errors import CorralError


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


#: What the host can refuse at any moment.
REMEDIES = {
    errno.ENOSPC: "free some space and run the command again",
    errno.EDQUOT: "free some space and run the command again",
    errno.EROFS: "choose a folder that can be written to: --data-dir DIR",
    errno.EACCES: "run the command as root (sudo)",
    errno.EPERM: "run the command as root (sudo)",
}


def main() -> None:
    """Run the command line; the exit status is 0, 1 for a failure, 2 for a wrong command line."""
    try:
        app()
    except CorralError as error:
        print(f"corral: {error.message}", file=sys.stderr)
        if error.remedy:
            print(f"  → {error.remedy}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except OSError as error:
        if error.errno not in REMEDIES:
            raise
        print(f"corral: {error.strerror}: {error.filename or 'a file'}\n  → {REMEDIES[error.errno]}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
