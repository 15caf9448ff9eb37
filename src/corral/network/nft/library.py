"""libnftables, the library under `nft`: transactions in this process.

A context keeps its netlink socket, so a transaction takes about 0.1 ms; an `nft` process takes 4 ms, and 16 ms where something
is deleted, because closing its socket waits for the kernel to free it. See libnftables(3).
"""

import ctypes
import logging
import threading
from functools import cache
from typing import Any

from corral.base.errors import CorralError

log = logging.getLogger(__name__)

SONAME = "libnftables.so.1"


class NftError(CorralError):
    """nft refused a transaction; nothing of it was applied."""


class Nft:
    """A context, made in the network namespace of the thread that first uses it. Threads take turns."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._context: int | None = None

    def run(self, script: str) -> str:
        """Run `script` as one transaction; what it printed. Blocks. Raises NftError."""
        library = _library()
        with self._lock:
            if self._context is None:
                self._context = library.nft_ctx_new(0)
                library.nft_ctx_buffer_output(self._context)
                library.nft_ctx_buffer_error(self._context)
            failed = library.nft_run_cmd_from_buffer(self._context, script.encode())
            output: bytes = library.nft_ctx_get_output_buffer(self._context) or b""
            error: bytes = library.nft_ctx_get_error_buffer(self._context) or b""
        if failed:
            lines = error.decode(errors="replace").strip().splitlines() or ["failed"]
            log.debug("nft refused: %s\n%s", "\n".join(lines), script)
            raise NftError(f"nft: {lines[0]}", "Look at: nft list ruleset; Corral needs root and Linux 5.6 or newer.")
        return output.decode(errors="replace")

    def close(self) -> None:
        """Give back the socket; the next `run` opens another."""
        with self._lock:
            if self._context is not None:
                _library().nft_ctx_free(self._context)
                self._context = None


@cache
def _library() -> Any:
    try:
        library = ctypes.CDLL(SONAME)
    except OSError as error:
        raise NftError(f"{SONAME} is not installed", "apt-get install nftables") from error
    library.nft_ctx_new.argtypes = [ctypes.c_uint32]
    library.nft_ctx_new.restype = ctypes.c_void_p
    library.nft_ctx_free.argtypes = [ctypes.c_void_p]
    library.nft_ctx_free.restype = None
    library.nft_ctx_buffer_output.argtypes = [ctypes.c_void_p]
    library.nft_ctx_buffer_error.argtypes = [ctypes.c_void_p]
    library.nft_ctx_get_output_buffer.argtypes = [ctypes.c_void_p]
    library.nft_ctx_get_output_buffer.restype = ctypes.c_char_p
    library.nft_ctx_get_error_buffer.argtypes = [ctypes.c_void_p]
    library.nft_ctx_get_error_buffer.restype = ctypes.c_char_p
    library.nft_run_cmd_from_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    return library
