"""`corral logs`: a component's log."""

import sys
import time
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from corral.base.errors import CorralError
from corral.cli.layout import DEFAULT_NAME, home_of

FOLLOW_PAUSE_S = 0.2
CHUNK_BYTES = 1 << 16


def logs(
    component: Literal["server", "node", "containerd", "audit"],
    *,
    data_dir: Path | None = None,
    name: str = DEFAULT_NAME,
    follow: Annotated[bool, Parameter(name=["--follow", "-f"], negative=())] = False,
    tail: int = -1,
) -> None:
    """Print a component's log.

    Parameters
    ----------
    component
        Whose log.
    data_dir
        Where the cluster lives.
    name
        The cluster's name.
    follow
        Go on printing what is added.
    tail
        Print only this many of the last lines.
    """
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
