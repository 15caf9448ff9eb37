"""Go's fmt as it is mostly used: Sprint, Sprintln, and Sprintf of texts and whole numbers. The rest of it is in goverbs.py."""

from corral.base.annotations import Any
from corral.charts.render import strconv
from corral.charts.render.errors import FunctionError, RenderError
from corral.charts.render.gotypes import Int64, Struct


def sprint(values: tuple[Any, ...] | list[Any]) -> str:
    """fmt.Sprint: a space between two values when neither is a string."""
    made: list[str] = []
    before_is_text = True
    for i, value in enumerate(values):
        is_text = value.__class__ is str
        if i and not is_text and not before_is_text:
            made.append(" ")
        made.append(plain(value))
        before_is_text = is_text
    return "".join(made)


def sprintln(values: tuple[Any, ...] | list[Any]) -> str:
    """fmt.Sprintln: spaces between all values, and a newline."""
    return " ".join(plain(value) for value in values) + "\n"


def plain(value: Any) -> str:
    """`%v`."""
    cls = value.__class__
    if cls is str:
        return str(value)
    if cls is int or cls is Int64:
        return str(value)
    if cls is bool:
        return "true" if value else "false"
    if value is None:
        return "<nil>"
    if cls is float:
        return strconv.format_float(value)
    from corral.charts.render.goverbs import shown

    return shown(value)


def printed(value: Any) -> str:
    """What an action prints of a value. Raises RenderError for one that holds too many."""
    if value.__class__ is str:
        return str(value)
    if value is None:
        return "<no value>"
    if isinstance(value, Struct) and (text := value.printed()) is not None:
        return text
    try:
        return plain(value)
    except FunctionError as error:
        # An action that only prints calls nothing that could be named.
        raise RenderError(f"rendering template failed: {error}") from None


def sprintf(form: str, values: tuple[Any, ...] | list[Any]) -> str:
    """fmt.Sprintf."""
    simple = _simple(form, values)
    if simple is not None:
        return simple
    from corral.charts.render.goverbs import Printf

    return Printf(form, values).run()


def _simple(form: str, values: tuple[Any, ...] | list[Any]) -> str | None:
    """What nearly every format is: as many of %s, %v and %d as there are strings and ints. None if it is another."""
    pieces = form.split("%")
    if len(pieces) != len(values) + 1:
        return None
    made = [pieces[0]]
    for i, value in enumerate(values, 1):
        piece = pieces[i]
        verb = piece[:1]
        if value.__class__ is str and verb in ("s", "v"):
            made.append(value)
        elif value.__class__ is int and verb in ("d", "v"):
            made.append(str(value))
        else:
            return None
        made.append(piece[1:])
    return "".join(made)
