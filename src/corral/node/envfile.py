"""Files of variables that containers write for those that come after them (KEP-3721): `NAME='value'`, and nothing else. Pure.

A value is whatever stands between two single quotes, line ends too.
https://kubernetes.io/docs/tasks/inject-data-application/define-environment-variable-via-file/#env-file-syntax
"""

import re

_VARIABLE = re.compile(r"[ \t]*(?P<name>[^\s='#][^='\n]*?)[ \t]*=[ \t]*'(?P<value>[^']*)'[ \t]*\r?(?:\n|\Z)")
_NOTHING = re.compile(r"[ \t]*(?:#[^\n]*)?\r?(?:\n|\Z)")


def value_in(text: str, name: str) -> str | None:
    """The value of the first variable `name`; None where there is none. Raises ValueError for a line of another form."""
    position = 0
    while position < len(text):
        if found := _VARIABLE.match(text, position):
            if found["name"] == name:
                return found["value"]
        elif not (found := _NOTHING.match(text, position)):
            line = text.count("\n", 0, position) + 1
            raise ValueError(f"line {line} is not of the form NAME='value'")
        position = found.end()
    return None
