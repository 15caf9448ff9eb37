"""Where servers listen: a port that is asked for, or one that whoever started this process holds for it already.

`up` chooses a port and listens on it before the server is there: so the port is the server's from then on, whatever becomes of
`up`, and who connects meanwhile waits until the server answers.
"""

import os
import socket

from corral.base.errors import CorralError

FD_VARIABLE = "CORRAL_LISTENER_FD"
BACKLOG = 1024


def bind(host: str, port: int, instead: str = "choose another one with --port") -> socket.socket:
    """An address to listen on; port 0 takes a free one. Raises CorralError with what to do `instead`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise CorralError(f"cannot listen on {host}:{port}: {error.strerror}", instead) from error
    return listener


def inherited() -> socket.socket | None:
    """The listening socket that this process was started with (`base.processes.start`), once; None where there is none."""
    fd = os.environ.pop(FD_VARIABLE, "")
    if not fd:
        return None
    listener = socket.socket(fileno=int(fd))
    listener.set_inheritable(False)
    return listener
