"""The faults of the CEL room: expressions that do not compile, and evaluations that come to nothing."""


class CelError(Exception):
    """Any fault of this room; its text is cel-go's."""


class CompileError(CelError):
    """The expression cannot be compiled: `ERROR: <input>:1:5: ...`, one fault a paragraph."""


class EvaluationError(CelError):
    """The evaluation failed: `no such key: x`, `no such overload`, `division by zero`."""


class CostError(EvaluationError):
    """The evaluation was stopped, since it took more work than it may."""

    def __init__(self) -> None:
        super().__init__("operation cancelled: actual cost limit exceeded")


class BudgetError(CostError):
    """What several expressions may spend together is spent."""

    def __init__(self) -> None:
        EvaluationError.__init__(
            self, "validation failed due to running out of cost budget, no further validation rules will be run"
        )


class FaultError(Exception):
    """A fault at a place (an offset into the source) while compiling, and others that were found before it."""

    def __init__(self, at: int, why: str, *others: tuple[int, str]) -> None:
        super().__init__(why)
        self.at, self.why = at, why
        self.faults = [(at, why), *others]


def shown(source: str, faults: list[tuple[int, str]]) -> str:
    """Faults as cel-go prints them: place, reason, the line, and a caret below the character."""
    return "\n".join(_shown(source, at, why) for at, why in sorted(faults)[:100])


def _shown(source: str, at: int, why: str) -> str:
    before = source[:at]
    line, column = before.count("\n"), at - (before.rfind("\n") + 1)
    text = source.split("\n")[line].replace("\t", " ")
    if not text:
        return f"ERROR: <input>:{line + 1}:{column}: {why}"
    # Characters that take two columns are followed by a dot of the same width.
    dots = "".join("．" if ord(char) > 0xFF else "." for char in text[:column])
    caret = "＾" if column < len(text) and ord(text[column]) > 0xFF else "^"
    return f"ERROR: <input>:{line + 1}:{column + 1}: {why}\n | {text}\n | {dots}{caret}"
