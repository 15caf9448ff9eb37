"""How the command lines of all commands but `corral chart` are read: argparse, with Corral's words for what is wrong."""

import os
import sys
from argparse import ArgumentParser, HelpFormatter
from pathlib import Path

from corral.base.annotations import Any, Iterable, NoReturn
from corral.cli.layout import DEFAULT_NAME

MISUSE = 2


class _Formatter(HelpFormatter):
    """argparse's, which makes one for each argument, and loads what packs archives to know how wide a line may be."""

    def __init__(self, prog: str) -> None:
        try:
            columns = int(os.environ.get("COLUMNS", "0")) or os.get_terminal_size().columns
        except (OSError, ValueError):
            columns = 0
        super().__init__(prog, width=(columns or 80) - 2)


class Parser(ArgumentParser):
    """One command's."""

    def __init__(self, prog: str, description: str | None = None) -> None:
        super().__init__(prog, description=description, allow_abbrev=False, formatter_class=_Formatter)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does, but what is not known is told with what may have been meant."""
        found, unknown = self.parse_known_args(args, namespace)
        if unknown:
            options = [option for action in self._actions for option in action.option_strings]
            self.error(f'there is no "{unknown[0]}" here{meant(unknown[0].partition("=")[0], options)}')
        return found

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in two lines, and end with status 2."""
        print(f"corral: {message}\n  → see how it is used: {self.prog} --help", file=sys.stderr)
        sys.exit(MISUSE)


def meant(typed: str, known: Iterable[str]) -> str:
    """What is likely to have been meant, as the end of a message; nothing where nothing is near."""
    from difflib import get_close_matches

    near = get_close_matches(typed, list(known), n=1)
    return f', did you mean "{near[0]}"?' if near else ""


def add_output(parser: ArgumentParser) -> None:
    """Add the form in which a command shows what it found: `show` prints it."""
    parser.add_argument("--output", "-o", choices=("text", "json", "yaml"), default="text", help="the form (default: text)")


def show(found: Any, output: str) -> bool:
    """Print `found` as JSON or YAML; False where it is to be text, which the command prints itself."""
    if output == "json":
        import json

        print(json.dumps(found, indent=1))
    elif output == "yaml":
        import yaml

        print(yaml.safe_dump(found, sort_keys=False), end="")
    return output != "text"


def add_home(parser: ArgumentParser, *, name: str | None = DEFAULT_NAME) -> None:
    """Add what says which cluster is meant; `name` is its default."""
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="where the cluster lives (default: /var/lib/corral/NAME as root, ~/.local/share/corral/NAME else)",
    )
    parser.add_argument(
        "--name", default=name, help=f"the cluster's name, its context in the kubeconfig (default: {DEFAULT_NAME})"
    )
