"""A request's body → a custom object, or the 400 that says what is wrong with it, in the reference's words.

Custom objects must say what they are; whether a value fits the schema is a matter of validation, not of decoding.
"""

from corral.api import jsontext
from corral.api.decode import unrecognized
from corral.api.errors import bad_request
from corral.api.facts import Type
from corral.api.golang import DecodeError, read
from corral.api.jsontext import TextError
from corral.api.objects import Object
from corral.api.resources import Resource


def decode_custom(
    body: bytes, resource: Resource, type_: Type, *, yaml: bool = False, validation: str = "Warn"
) -> tuple[Object, list[str]]:
    """The object of `body`, wanted as one of `resource`, and the warnings. Raises ApiError (400)."""
    kind = resource.kind
    repeated: list[str] = []
    try:
        if yaml:
            from corral.api import yamltext  # The library takes a while to load, and few send YAML.

            value, repeated = yamltext.parse(body)
        else:
            value = jsontext.parse(body)
            if validation != "Ignore" and jsontext.has_repeated_keys(body, value):
                value = jsontext.parse_exactly(body)
    except TextError as error:
        raise unrecognized(kind, f"couldn't get version/kind; json parse error: {error}", body) from None
    text = body.decode("utf-8", "replace")
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str) or not value["kind"]:
        raise unrecognized(kind, f"Object 'Kind' is missing in '{text}'", body)
    given, sent = value.get("apiVersion"), value["kind"]

    def refuse(message: object) -> Exception:
        version = str(given or "").rpartition("/")[2]
        return bad_request(f'{sent} in version "{version}" cannot be handled as a {kind}: {message}')

    if not isinstance(given, str) or not given:
        raise refuse(f"Object 'apiVersion' is missing in '{text}'")
    if given != resource.api_version:
        raise bad_request(
            f"the API version in the data ({given}) does not match the expected API version ({resource.api_version})"
        )
    try:
        obj, strict = read(value, type_)
    except DecodeError as error:
        raise refuse(error) from None
    strict = [*repeated, *strict]
    if strict and validation == "Strict":
        raise refuse("strict decoding error: " + ", ".join(strict))
    made: Object = obj
    return made, strict if validation == "Warn" else []
