"""What can be wrong with a chart. Messages are Helm's, because people and scripts match on them."""

from corral.base.errors import CorralError


class ChartError(CorralError):
    """A chart, a value or a release that cannot be used; `remedy` says what to do."""


class ValidationError(ChartError):
    """A field of Chart.yaml that is missing or wrong."""

    def __init__(self, message: str, remedy: str = "correct Chart.yaml") -> None:
        super().__init__(f"validation: {message}", remedy)
