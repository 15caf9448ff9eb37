"""`corral logs`: a component's log."""

import sys
import time
from argparse import ArgumentParser
from pathlib import Path

from corral.base.errors import CorralError
from corral.cli.arguments import add_home
from corral.cli.layout import DEFAULT_NAME, home_of

FOLLOW_PAUSE_S = 0.2
CHUNK_BYTES = 1 << 16


def arguments(parser: ArgumentParser, words: str) -> None:
    """What may be typed."""
    del words
    parser.add_argument("component", choices=("server", "node", "containerd", "audit"), help="whose log")
    add_home(parser)
    parser.add_argument("--follow", "-f", action="store_true", help="go on printing what is added")
    parser.add_argument("--tail", type=int, default=-1, metavar="LINES", help="print only so many of the last lines")


def logs(
    component: str,
    *,
    data_dir: Path | None = None,
    name: str = DEFAULT_NAME,
    follow: bool = False,
    tail: int = -1,
) -> None:
    """Print a component's log."""
    home = home_of(data_dir, name)
    path = home.root / "server" / "audit.log" if component == "audit" else home.log(component)
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise CorralError(f"cannot read {path}: {error.strerror}", "is the cluster up? corral status") from None
    with file:
        if tail >= 0:
            sys.stdout.buffer.write(b"".join(file.readlines()[-tail:] if tail else []))
        while True:
            chunk = file.read(CHUNK_BYTES)
            if chunk:
                sys.stdout.buffer.write(chunk)
                sys.stdout.buffer.flush()
            elif not follow:
                return
            else:
                time.sleep(FOLLOW_PAUSE_S)
