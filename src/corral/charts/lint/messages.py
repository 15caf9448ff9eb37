"""What linting finds."""

from corral.base.annotations import NamedTuple

INFO, WARNING, ERROR = "INFO", "WARNING", "ERROR"


class Message(NamedTuple):
    """One finding, about a path in the chart."""

    severity: str
    path: str
    text: str

    def __str__(self) -> str:
        return f"[{self.severity}] {self.path}: {self.text}"


class Findings:
    """What was found so far."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def add(self, severity: str, path: str, text: str | None) -> bool:
        """Note a fault where there is a text; whether there was none."""
        if text:
            self.messages.append(Message(severity, path, text))
        return not text

    def worst(self, *severities: str) -> bool:
        """Whether there is one of these."""
        return any(message.severity in severities for message in self.messages)
