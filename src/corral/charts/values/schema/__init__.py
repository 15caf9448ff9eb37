"""values.schema.json: what values a chart accepts, told as Helm's validator tells it.

Helm reads schemas with gojsonschema, of drafts 4, 6 and 7: whatever names another draft, or none, is read as all three at once,
what is beside a `$ref` does not count, and formats are checked. So this is not a validator of today's drafts, but that one.
https://helm.sh/docs/topics/charts/#schema-files
"""

from corral.base.annotations import Iterator
from corral.charts.chart.errors import ChartError
from corral.charts.chart.model import Chart, Values
from corral.charts.values.schema import checking
from corral.charts.values.schema.reading import NoSchemaError, read
from corral.charts.values.schema.validating import Outcome, validate

#: More faults than anybody reads.
MAX_FAULTS = 1000


def check(chart: Chart, values: Values) -> None:
    """Raise ChartError where the values of `chart` or of a chart in it are not what their schemas say."""
    text = "".join(_told(chart, values))
    if text:
        raise ChartError(
            f"values don't meet the specifications of the schema(s) in the following chart(s):\n{text}",
            "correct the values that it names",
        )


def _told(chart: Chart, values: Values) -> Iterator[str]:
    if chart.schema is not None:
        try:
            found = faults(chart.schema, values)
        except ChartError as error:
            yield f"{chart.name}:\n{error.message}"
        else:
            if found:
                yield f"{chart.name}:\n" + "".join(f"- {fault}\n" for fault in found)
    for sub in chart.dependencies:
        own = values.get(sub.name)
        yield from _told(sub, own if isinstance(own, dict) else {})


def faults(schema: bytes, values: Values) -> list[str]:
    """What is wrong with `values`, one line each. Raises ChartError for a schema that is none, in the validator's words."""
    outcome = Outcome()
    try:
        document = read(schema)
        checking.check(document)
        validate(document, values, outcome)
    except NoSchemaError as error:
        raise ChartError(str(error), "correct values.schema.json") from None
    except RecursionError:
        raise ChartError("values.schema.json nests too deep, or refers to itself", "correct values.schema.json") from None
    return [f"{where}: {text}" for where, text in outcome.faults[:MAX_FAULTS]]
