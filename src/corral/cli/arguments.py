"""How the command lines of all commands but `corral chart` are read: argparse, with Corral's words for what is wrong."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import NoReturn

from corral.cli.layout import DEFAULT_NAME

MISUSE = 2


class Parser(ArgumentParser):
    """One command's."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in two lines, and end with status 2."""
        print(f"corral: {message}\n  → see how it is used: {self.prog} --help", file=sys.stderr)
        sys.exit(MISUSE)


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
