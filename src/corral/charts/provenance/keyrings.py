"""Keys of a keyring file, and the library that reads them."""

from pathlib import Path
from types import ModuleType
from typing import Any

from corral.charts.chart.errors import ChartError

DEFAULT = "~/.gnupg/pubring.gpg"


def library() -> ModuleType:
    """The OpenPGP library. Raises ChartError where it is not installed."""
    try:
        import pysequoia
    except ImportError:
        raise ChartError(
            "provenance needs an OpenPGP library, and none is installed",
            "pip install 'corral[provenance]' (or: pip install pysequoia)",
        ) from None
    return pysequoia


def certificates(keyring: str) -> list[Any]:
    """The certificates in the file. Raises ChartError."""
    path = Path(keyring or DEFAULT).expanduser()
    try:
        found: list[Any] = library().Cert.split_bytes(path.read_bytes())
    except OSError as error:
        raise ChartError(
            f"open {path}: {(error.strerror or str(error)).lower()}",
            "export the keys: gpg --export > FILE, then --keyring FILE",
        ) from None
    except Exception as error:  # the library's errors have no class of their own
        raise ChartError(f"{path} is no keyring: {first_line(error)}", "export the keys: gpg --export > FILE") from None
    return found


def first_line(error: Exception) -> str:
    """What the library says, without the backtrace that it adds."""
    return (str(error).splitlines() or [type(error).__name__])[0]
