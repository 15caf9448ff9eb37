"""A schema as it is read: of which draft it is, and what its `$ref`s mean."""

from corral.base import jsonreading
from corral.base.annotations import Any, Iterator

MAX_DEPTH = 200
#: All drafts at once.
HYBRID = 99
_DRAFTS = {f"http://json-schema.org/draft-0{draft}/schema": draft for draft in (4, 6, 7)}


class NoSchemaError(Exception):
    """A text is no schema; the text says why, in the validator's words."""


class Document:
    """A schema that was read: a table, or true or false, with what is referred to in it."""

    def __init__(self, root: Any) -> None:
        self.root = root
        named = root.get("$schema") if isinstance(root, dict) else None
        self.draft = _DRAFTS.get(named.rstrip("#"), HYBRID) if isinstance(named, str) else HYBRID
        self.base = _id(root) or ""
        #: The schemas that have an address of their own, by it.
        self._named: dict[str, Any] = {}
        for part in _parts(root, 0):
            if own := _id(part):
                self._named[_joined(self.base, own)] = part

    def has(self, draft: int) -> bool:
        """Whether the schema may be of a draft, or of a later one."""
        return self.draft >= draft

    def followed(self, schema: Any) -> Any:
        """A schema, or the one that it refers to. Raises NoSchemaError."""
        for _ in range(MAX_DEPTH):
            if not isinstance(schema, dict) or "$ref" not in schema:
                return schema
            schema = self.resolved(schema["$ref"])
        raise NoSchemaError("values.schema.json refers to itself without end")

    def resolved(self, reference: str) -> Any:
        """The schema that a `$ref` means. Raises NoSchemaError."""
        address = _joined(self.base, reference)
        if address in self._named:
            return self._named[address]
        document, _, pointer = address.partition("#")
        if document and document not in (self.base.partition("#")[0], *self._named):
            raise NoSchemaError(f'$ref "{reference}" is in another document, and none is fetched')
        found = self._named.get(document, self.root)
        for part in filter(None, _unescaped(pointer).split("/")):
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and name.isdigit() and int(name) < len(found):
                found = found[int(name)]
            elif isinstance(found, dict) and name in found:
                found = found[name]
            else:
                raise NoSchemaError(f"Object has no key '{name}'")
        return found


def read(data: bytes) -> Document:
    """A schema. Raises NoSchemaError."""
    try:
        root = jsonreading.read(data)
    except (ValueError, RecursionError) as error:
        raise NoSchemaError(f"values.schema.json is no JSON: {error}") from None
    return Document(root)


def _joined(base: str, address: str) -> str:
    """An address, read as one in the document `base`."""
    if not base:
        return address
    from urllib.parse import urljoin

    return urljoin(base, address)


def _unescaped(pointer: str) -> str:
    if "%" not in pointer:
        return pointer
    from urllib.parse import unquote

    return unquote(pointer)


def _id(schema: Any) -> str | None:
    own = schema.get("$id", schema.get("id")) if isinstance(schema, dict) else None
    return own if isinstance(own, str) else None


def _parts(schema: Any, depth: int) -> Iterator[Any]:
    """The tables in a schema, itself included."""
    if depth > MAX_DEPTH:
        raise NoSchemaError("values.schema.json nests too deep")
    if isinstance(schema, dict):
        yield schema
        for part in schema.values():
            yield from _parts(part, depth + 1)
    elif isinstance(schema, list):
        for part in schema:
            yield from _parts(part, depth + 1)
