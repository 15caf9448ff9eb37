"""YAML as sigs.k8s.io/yaml reads it into `interface {}`: what is in values.yaml and what
`fromYaml` gives. Numbers are float64."""

from corral.api.plainyaml import value_of
from corral.base.annotations import Any
from corral.charts.render.gotypes import encoded


class UnreadableError(ValueError):
    """A text is no YAML; the text is the original's."""


def load(text: str) -> Any:
    """The value of the first document. Raises UnreadableError."""
    try:
        return _floats(value_of(encoded(text)))
    except ValueError as error:
        raise UnreadableError(str(error)) from None


def _floats(value: Any) -> Any:
    cls = value.__class__
    if cls is str or cls is bool or value is None or cls is float:
        return value
    if cls is int:
        return float(value)
    if isinstance(value, dict):
        return {key: _floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_floats(item) for item in value]
    return value
