"""The values of a command line: files, then `--set-json`, `--set`, `--set-string`, `--set-file`, `--set-literal`."""

import sys

from corral.base.annotations import Callable, NamedTuple, Sequence
from corral.charts.chart import yamlfile
from corral.charts.chart.errors import ChartError
from corral.charts.chart.model import Values
from corral.charts.values.coalesce import layered

#: From a URL to its content: how values are read from elsewhere.
Fetch = Callable[[str], bytes]


class ValueOptions(NamedTuple):
    """What `-f` and the `--set` family were given, each in order."""

    files: Sequence[str] = ()
    json: Sequence[str] = ()
    set: Sequence[str] = ()
    set_string: Sequence[str] = ()
    set_file: Sequence[str] = ()
    set_literal: Sequence[str] = ()

    def merged(self, fetch: Fetch | None = None) -> Values:
        """One tree of them all. Raises ChartError."""
        values: Values = {}
        for name in self.files:
            read = yamlfile.read(_content(name, fetch), f"failed to parse {name}")
            if not isinstance(read, dict | None):
                from corral.api.jsonvalues import json_kind  # for the mistake only

                raise ChartError(
                    f"failed to parse {name}: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal "
                    f"{json_kind(read)} into Go value of type map[string]interface {{}}",
                    "a file of values holds a mapping",
                )
            values = layered(values, read or {})
        if any(self[1:]):
            self._set(values, fetch)
        return values

    def _set(self, values: Values, fetch: Fetch | None) -> None:
        from corral.charts.values import setting

        for text in self.json:
            try:
                setting.apply_json(values, text)
            except ChartError as error:
                raise ChartError(f"failed parsing --set-json data {text}", error.message) from None
        for text in self.set:
            _told("--set", lambda text=text: setting.apply(values, text))  # type: ignore[misc]
        for text in self.set_string:
            _told("--set-string", lambda text=text: setting.apply(values, text, str))  # type: ignore[misc]
        for text in self.set_file:
            _told(
                "--set-file",
                lambda text=text: setting.apply(  # type: ignore[misc]
                    values, text, lambda name: _content(name, fetch).decode("utf-8", "replace")
                ),
            )
        for text in self.set_literal:
            _told("--set-literal", lambda text=text: setting.apply_literal(values, text))  # type: ignore[misc]


def _told(option: str, act: Callable[[], None]) -> None:
    try:
        act()
    except ChartError as error:
        raise ChartError(f"failed parsing {option} data: {error.message}", error.remedy) from None


def _content(name: str, fetch: Fetch | None) -> bytes:
    """What a file, standard input or a URL holds, all of it. Raises ChartError, also where that is too much."""
    limit = yamlfile.MAX_YAML_BYTES
    if name.strip() == "-":
        data = sys.stdin.buffer.read(limit + 1)
    elif "://" in name and fetch is not None:
        data = fetch(name)
    else:
        try:
            with open(name, "rb") as file:
                data = file.read(limit + 1)
        except OSError as error:
            verb = "read" if isinstance(error, IsADirectoryError) else "open"
            raise ChartError(f"{verb} {name}: {(error.strerror or str(error)).lower()}", "name a file of values") from None
    if len(data) > limit:
        raise ChartError(f"{name}: more than {limit} bytes are too many", "name a file of values")
    return data
