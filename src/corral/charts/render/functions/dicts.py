"""Sprig's functions of dicts (dict.go), with mergo's merging; `set`, `unset` and `merge` change the dict that they get."""

from corral.base.annotations import Any
from corral.charts.render import visits
from corral.charts.render.errors import FunctionError
from corral.charts.render.functions import ANY, MAP, Table
from corral.charts.render.functions.defaults import is_empty
from corral.charts.render.functions.strings import text_of
from corral.charts.render.gotypes import NilMap, Strings, Values, type_name

FUNCTIONS = Table()


@FUNCTIONS.add("dict", "..." + ANY)
def _dict(*values: Any) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for i in range(0, len(values), 2):
        made[text_of(values[i])] = values[i + 1] if i + 1 < len(values) else ""
    return made


@FUNCTIONS.add("get", MAP, "string")
def _get(values: dict[str, Any], key: str) -> Any:
    return values.get(key, "")


@FUNCTIONS.add("set", MAP, "string", ANY)
def _set(values: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    if isinstance(values, NilMap):
        raise FunctionError("assignment to entry in nil map")
    values[key] = value
    return values


@FUNCTIONS.add("unset", MAP, "string")
def _unset(values: dict[str, Any], key: str) -> dict[str, Any]:
    values.pop(key, None)
    return values


@FUNCTIONS.add("hasKey", MAP, "string")
def _has_key(values: dict[str, Any], key: str) -> bool:
    return key in values


@FUNCTIONS.add("pluck", "string", "..." + MAP)
def _pluck(key: str, *dicts: dict[str, Any]) -> list[Any]:
    return [values[key] for values in dicts if key in values]


@FUNCTIONS.add("keys", "..." + MAP)
def _keys(*dicts: dict[str, Any]) -> Strings:
    return Strings([key for values in dicts for key in values])


@FUNCTIONS.add("values", MAP)
def _values(values: dict[str, Any]) -> list[Any]:
    return list(values.values())


@FUNCTIONS.add("pick", MAP, "...string")
def _pick(values: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: values[key] for key in keys if key in values}


@FUNCTIONS.add("omit", MAP, "...string")
def _omit(values: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in keys}


@FUNCTIONS.add("dig", "..." + ANY)
def _dig(*path: Any) -> Any:
    if len(path) < 3:
        raise FunctionError("dig needs at least three arguments")
    values, fallback, keys = path[-1], path[-2], path[:-2]
    if type_name(values) != MAP:
        raise FunctionError(_conversion(values, MAP))
    for i, key in enumerate(keys):
        if not isinstance(key, str):
            raise FunctionError(_conversion(key, "string"))
        if key not in values:
            return fallback
        values = values[key]
        if i < len(keys) - 1 and type_name(values) != MAP:
            raise FunctionError(_conversion(values, MAP))
    return values


def _conversion(value: Any, wanted: str) -> str:
    return f"interface conversion: interface {{}} is {'nil' if value is None else type_name(value)}, not {wanted}"


def merge_into(target: dict[str, Any], source: dict[str, Any], *, overwrite: bool) -> None:
    """mergo.Merge of two maps: what `target` lacks or has empty comes from `source`; with `overwrite`, all that is no map."""
    visits.spend(len(source))
    for key, item in source.items():
        if item is None:
            if overwrite:
                target[key] = None
            continue
        there = key in target
        known = target.get(key)
        if isinstance(item, dict):
            if isinstance(known, dict):
                merge_into(known, item, overwrite=overwrite)
            if is_empty(known):
                target[key] = item
        elif isinstance(item, list | bytes):
            if overwrite or not there or is_empty(known):
                target[key] = item
        elif overwrite or is_empty(known):
            target[key] = item


def _merged(target: dict[str, Any], sources: tuple[dict[str, Any], ...], *, overwrite: bool) -> dict[str, Any]:
    if isinstance(target, NilMap) and sources:
        target = {}
    visits.of_call()
    for source in sources:
        merge_into(target, source, overwrite=overwrite)
    if isinstance(target, Values):
        target.become(plain=True)  # what is given back is no chartutil.Values any more
    return target


@FUNCTIONS.add("merge mustMerge", MAP, "..." + MAP)
def _merge(target: dict[str, Any], *sources: dict[str, Any]) -> dict[str, Any]:
    return _merged(target, sources, overwrite=False)


@FUNCTIONS.add("mergeOverwrite mustMergeOverwrite", MAP, "..." + MAP)
def _merge_overwrite(target: dict[str, Any], *sources: dict[str, Any]) -> dict[str, Any]:
    return _merged(target, sources, overwrite=True)
