"""What can go wrong in a template, in Go's and Helm's words."""

from corral.base.errors import CorralError


class RenderError(CorralError):
    """A chart cannot be rendered; `message` is what Helm says, the place is there for those who want to point at it.

    `path` is the template's path (`chart/templates/x.yaml`), `line` counts from 1, `column` from 0 and in bytes, as in Go; both
    are None where Helm names none.
    """

    def __init__(self, message: str, path: str = "", line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.line = line
        self.column = column


class FunctionError(Exception):
    """A function refuses its arguments; the text is what the function of the original says."""


class ParseError(Exception):
    """A template's text is no template: `template: NAME:LINE: what is wrong`."""

    def __init__(self, name: str, line: int, message: str) -> None:
        super().__init__(f"template: {name}:{line}: {message}")
        self.name = name
        self.line = line
        self.message = message


class ExecError(Exception):
    """A template failed while it was executed: `template: NAME:LINE:COLUMN: executing "NAME" at <CONTEXT>: what is wrong`."""

    def __init__(self, text: str, path: str = "", line: int | None = None, column: int | None = None) -> None:
        super().__init__(text)
        self.path = path
        self.line = line
        self.column = column
