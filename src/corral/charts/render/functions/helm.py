"""Helm's own functions (pkg/engine/funcs.go and engine.go), those that later versions of Helm 3 added included."""

from corral.base.annotations import Any
from corral.charts.render import gojson, yamlwriter
from corral.charts.render.errors import FunctionError
from corral.charts.render.functions import ANY, Table
from corral.charts.render.gotypes import NilMap

FUNCTIONS = Table()
#: Helm marks the messages of fail and required, to find them again in the error of the executor.
WARNING_START, WARNING_END = "HELM_ERR_START", "HELM_ERR_END"


@FUNCTIONS.add("include", "string", ANY, wants_run=True)
def _include(run: Any, name: str, data: Any) -> str:
    return str(run.include(name, data))


@FUNCTIONS.add("tpl", "string", "chartutil.Values", wants_run=True)
def _tpl(run: Any, text: str, data: Any) -> str:
    return str(run.tpl(text, data))


@FUNCTIONS.add("required", "string", ANY, wants_run=True)
def _required(run: Any, message: str, value: Any) -> Any:
    if value is None or (isinstance(value, str) and value == ""):
        if run.lint is not None:
            run.lint(f"[INFO] Missing required value: {message}")
            return ""
        raise FunctionError(f"{WARNING_START}{message}{WARNING_END}")
    return value


@FUNCTIONS.add("fail", "string", wants_run=True)
def _fail(run: Any, message: str) -> str:
    if run.lint is not None:
        run.lint(f"[INFO] Fail: {message}")
        return ""
    raise FunctionError(f"{WARNING_START}{message}{WARNING_END}")


@FUNCTIONS.add("lookup", "string", "string", "string", "string", wants_run=True)
def _lookup(run: Any, api_version: str, kind: str, namespace: str, name: str) -> Any:
    return run.lookup(api_version, kind, namespace, name)


@FUNCTIONS.add("toYaml", ANY)
def _to_yaml(value: Any) -> str:
    try:
        return yamlwriter.dump(value).removesuffix("\n")
    except yamlwriter.UnwritableError:
        return ""


@FUNCTIONS.add("mustToYaml", ANY)
def _must_to_yaml(value: Any) -> str:
    try:
        return yamlwriter.dump(value).removesuffix("\n")
    except yamlwriter.UnwritableError as error:
        raise FunctionError(str(error)) from None


@FUNCTIONS.add("fromYaml", "string")
def _from_yaml(text: str) -> Any:
    from corral.charts.render import yamlreader

    try:
        value = yamlreader.load(text)
    except yamlreader.UnreadableError as error:
        return {"Error": str(error)}
    if value is None:
        return {}
    if not isinstance(value, dict):
        return {"Error": f"error unmarshaling JSON: while decoding JSON: {_cannot(value, 'map[string]interface {}')}"}
    return value


@FUNCTIONS.add("fromYamlArray", "string")
def _from_yaml_array(text: str) -> Any:
    from corral.charts.render import yamlreader

    try:
        value = yamlreader.load(text)
    except yamlreader.UnreadableError as error:
        return [str(error)]
    if value is None:
        return []
    if not isinstance(value, list):
        return [f"error unmarshaling JSON: while decoding JSON: {_cannot(value, '[]interface {}')}"]
    return value


def _cannot(value: Any, type_: str) -> str:
    from corral.api.jsonvalues import json_kind

    return f"json: cannot unmarshal {json_kind(value)} into Go value of type {type_}"


@FUNCTIONS.add("toToml", ANY)
def _to_toml(value: Any) -> str:
    from corral.charts.render import toml

    if value is None:
        raise FunctionError("reflect: call of reflect.Value.Interface on zero Value")
    try:
        return toml.dump(value)
    except toml.UnwritableError as error:
        return str(error)


@FUNCTIONS.add("fromToml", "string")
def _from_toml(text: str) -> Any:
    from corral.charts.render import toml

    try:
        return toml.load(text)
    except toml.UnreadableError as error:
        return {"Error": str(error)}


@FUNCTIONS.add("toJson", ANY)
def _to_json(value: Any) -> str:
    try:
        return gojson.dumps(value)
    except gojson.UnwritableError:
        return ""


@FUNCTIONS.add("mustToJson", ANY)
def _must_to_json(value: Any) -> str:
    try:
        return gojson.dumps(value)
    except gojson.UnwritableError as error:
        raise FunctionError(str(error)) from None


@FUNCTIONS.add("toPrettyJson", ANY)
def _to_pretty_json(value: Any) -> str:
    try:
        return gojson.dumps(value, indent="  ")
    except gojson.UnwritableError:
        return ""


@FUNCTIONS.add("mustToPrettyJson", ANY)
def _must_to_pretty_json(value: Any) -> str:
    try:
        return gojson.dumps(value, indent="  ")
    except gojson.UnwritableError as error:
        raise FunctionError(str(error)) from None


@FUNCTIONS.add("toRawJson mustToRawJson", ANY)
def _to_raw_json(value: Any) -> str:
    try:
        return gojson.dumps(value, html=False)
    except gojson.UnwritableError as error:
        raise FunctionError(str(error)) from None


@FUNCTIONS.add("fromJson", "string")
def _from_json(text: str) -> Any:
    try:
        value = gojson.loads(text)
    except ValueError as error:
        return {"Error": str(error)}
    if value is None:
        return NilMap()
    return value if isinstance(value, dict) else {"Error": _cannot(value, "map[string]interface {}")}


@FUNCTIONS.add("mustFromJson", "string")
def _must_from_json(text: str) -> Any:
    try:
        return gojson.loads(text)
    except ValueError as error:
        raise FunctionError(str(error)) from None


@FUNCTIONS.add("fromJsonArray", "string")
def _from_json_array(text: str) -> Any:
    try:
        value = gojson.loads(text)
    except ValueError as error:
        return [str(error)]
    if value is None:
        return []
    return value if isinstance(value, list) else [_cannot(value, "[]interface {}")]
