"""Errors that a person reads: what is wrong, and what to do about it."""


class CorralError(Exception):
    """A failure with a remedy. The command line prints both in one or two lines, never a traceback."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
