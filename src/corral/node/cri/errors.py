"""Failures of the container runtime, worded as Kubernetes shows them."""

_GO_NAMES = {"CANCELLED": "Canceled", "OK": "OK"}


class CriError(Exception):
    """A call to the runtime failed. `code` is gRPC's name for it, such as NOT_FOUND; the text is what people know."""

    def __init__(self, code: str, details: str) -> None:
        go_name = _GO_NAMES.get(code) or "".join(word.capitalize() for word in code.split("_"))
        super().__init__(f"rpc error: code = {go_name} desc = {details}")
        self.code = code
        self.details = details
