"""How what the API and the network answer is told, and how a command says that it has failed."""

import errno
from contextlib import contextmanager

from corral.api.errors import ApiError
from corral.base.annotations import Iterator
from corral.base.errors import CorralError

_REMEDIES = {
    401: "log in anew: the kubeconfig's credentials are not accepted",
    403: "ask for that right, or act as another",
}
_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)


def told(error: Exception) -> CorralError | None:
    """Errors of the API, of the network and of files as a person wants them; None for what is a mistake of ours."""
    if isinstance(error, CorralError):
        return error
    if isinstance(error, ApiError):
        return CorralError(error.message, _REMEDIES.get(error.code, ""))
    if not isinstance(error, OSError | TimeoutError):
        return None
    if error.errno in _OF_THE_DISK:
        where = f"{error.filename}: " if error.filename else ""
        return CorralError(f"{where}{(error.strerror or str(error)).lower()}", "make room there, or choose another folder")
    if getattr(error, "filename", None):
        return CorralError(f"{error.filename}: {(getattr(error, 'strerror', '') or str(error)).lower()}")
    return CorralError(
        f"Kubernetes cluster unreachable: {error or type(error).__name__}", "is it up? corral status, kubectl cluster-info"
    )


@contextmanager
def failing(what: str) -> Iterator[None]:
    """Errors within begin with `what`: INSTALLATION FAILED. Nothing is added where it is ""."""
    try:
        yield
    except Exception as error:
        found = told(error)
        if found is None or not what:
            raise
        raise CorralError(f"{what}: {found.message}", found.remedy) from None
