"""The list of commands, each a module of its own with `arguments(parser, words)` and the function that is called with them.

Only the module of the command that was typed is loaded.
"""

from importlib import import_module

from corral import KUBERNETES_VERSION, __version__
from corral.base.annotations import NamedTuple
from corral.cli.arguments import Parser, meant


class Command(NamedTuple):
    """`words` are what is typed, `function` is MODULE:NAME below `corral.cli`; without `what` it is not listed."""

    words: str
    function: str
    what: str = ""


#: What a person looks for first comes first.
COMMANDS = (
    Command("up", "up:up", "Start a cluster, and return when its node is Ready."),
    Command("down", "down:down", "Stop a cluster and remove all it made on this host; --purge forgets its data too."),
    Command("status", "status:status", "Show what runs."),
    Command("logs", "logs:logs", "Print a component's log."),
    Command("kubeconfig", "kubeconfig:kubeconfig", "Print the administrator's kubeconfig."),
    Command("image build", "image:build", "Build an image from a Dockerfile by Buildah; pods find it by its name at once."),
    Command("image load", "image:load", "Load images from archives."),
    Command("image ls", "image:list_images", "List the node's images."),
    Command("image rm", "image:remove", "Remove images from the node."),
    Command("rotate", "rotate:rotate", "Make a new key for what is encrypted, or for service accounts' tokens."),
    Command("chart", "chart.main:listed", "Helm's packages: render, install, upgrade, on any Kubernetes."),
    Command("doctor", "doctor:doctor", "Check what this host needs, and say how to get it."),
    Command("server", "server:server"),
    Command("node", "node:node"),
)
GROUPS = {command.words.split()[0] for command in COMMANDS if " " in command.words}


def run(words: list[str]) -> None:
    """Run the command that was typed. A wrong command line ends with status 2."""
    if not words or words[0] in ("--help", "-h"):
        print(_overview())
    elif words[0] == "--version":
        print(f"corral {__version__} (Kubernetes {KUBERNETES_VERSION})")
    elif words[0] in GROUPS and (not words[1:] or words[1] in ("--help", "-h")):
        print(_overview(words[0]))
    else:
        length = 2 if words[0] in GROUPS else 1
        command = _named(words[:length])
        where, _, name = command.function.partition(":")
        module = import_module(f"corral.cli.{where}")
        function = getattr(module, name)
        parser = Parser(f"corral {command.words}", description=function.__doc__)
        arguments = getattr(module, "arguments", None)
        if arguments is not None:
            arguments(parser, command.words)
        function(**vars(parser.parse_args(words[length:])))


def _named(words: list[str]) -> Command:
    named = " ".join(words)
    found = next((command for command in COMMANDS if command.words == named), None)
    if found is None:
        group = f"corral {words[0]}" if len(words) > 1 else "corral"
        near = meant(named, [*(c.words for c in COMMANDS if c.what), *GROUPS])
        Parser(group).error(f'unknown command "{words[-1]}"{near}')
    return found


def _overview(group: str = "") -> str:
    """What `--help` prints without a command."""
    shown = [c for c in COMMANDS if c.what and (not group or c.words.split()[0] == group)]
    width = max(len(c.words) for c in shown)
    lines = "\n".join(f"  {c.words:<{width}}  {c.what}" for c in shown)
    if group:
        return f"Usage: corral {group} COMMAND\n\nCommands:\n{lines}\n\nMore of each: corral {group} COMMAND --help"
    return (
        "Kubernetes as a Python package: `corral up` starts a cluster that runs real containers.\n\n"
        f"Usage: corral COMMAND\n\nCommands:\n{lines}\n\nMore of each: corral COMMAND --help. The version: corral --version\n"
        "First steps, as root: `corral up`, `kubectl get nodes`, `corral down`."
    )
