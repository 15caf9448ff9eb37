"""The functions that templates can call: which there are, and where each of them is.

A module is imported when a template names one of its functions. Each module has a table `FUNCTIONS`, made by `function` below.
"""

import sys

from corral.base.annotations import Any, Callable, TypeVar

#: Functions that give an argument back, a part of one, or something small.
_NEVER_LARGER = frozenset(
    [
        "default",
        "ternary",
        "coalesce",
        "required",
        "get",
        "first",
        "last",
        "index",
        "trunc",
        "trim",
        "trimAll",
        "trimall",
        "trimSuffix",
        "trimPrefix",
        "lower",
        "upper",
        "int",
        "int64",
        "float64",
        "len",
        "add",
        "sub",
        "kindOf",
        "typeOf",
        "set",
        "unset",
        "dict",
        "list",
    ]
)
F = TypeVar("F", bound=Callable[..., Any])


class Function:
    """A function of templates: `params` are the Go types of its parameters, the last one repeated if `variadic`.

    `wants_run` gives it the run (engine.Run: clock, randomness, templates) as its first argument.
    """

    __slots__ = ("call", "name", "params", "variadic", "wants_run")

    def __init__(self, name: str, call: Callable[..., Any], params: tuple[str, ...], variadic: bool, wants_run: bool) -> None:
        self.name = name
        self.call = call
        self.params = params
        self.variadic = variadic
        self.wants_run = wants_run

    @property
    def gives(self) -> Any:
        """The type of what it gives, as far as its declaration tells."""
        return getattr(self.call, "__annotations__", {}).get("return")

    @property
    def may_grow(self) -> bool:
        """Whether what it gives can be larger than what it is given."""
        return not self.wants_run and self.gives not in (bool, int, float) and self.name not in _NEVER_LARGER


class Table(dict[str, Function]):
    """The functions of one module; `add` declares one."""

    def add(self, names: str, *params: str, wants_run: bool = False) -> Callable[[F], F]:
        """Declare a function under one or more names; a last parameter of the form "...T" is variadic."""
        variadic = bool(params) and params[-1].startswith("...")
        types = (*params[:-1], params[-1].removeprefix("...")) if params else ()

        def declare(call: F) -> F:
            for name in names.split():
                self[name] = Function(name, call, types, variadic, wants_run)
            return call

        return declare


#: Go's own names for the types that parameters have most.
ANY = "interface {}"
VALUE = "reflect.Value"
MAP = "map[string]interface {}"
LIST = "[]interface {}"

_MODULES = {
    "builtins": "and or not eq ne lt le gt ge len index call html js urlquery print printf println",
    "helm": "include tpl required fail lookup toToml fromToml toYaml mustToYaml fromYaml fromYamlArray toJson "
    "mustToJson fromJson mustFromJson fromJsonArray toPrettyJson mustToPrettyJson toRawJson mustToRawJson",
    "strings": "hello abbrev abbrevboth trunc trim upper lower substr repeat trimall trimAll trimSuffix "
    "trimPrefix nospace wrap wrapWith contains hasPrefix hasSuffix "
    "quote squote cat indent nindent replace plural toString toStrings split splitList splitn join sortAlpha",
    "cases": "title untitle initials swapcase snakecase camelcase kebabcase",
    "random": "randAlphaNum randAlpha randAscii randNumeric randInt randBytes shuffle uuidv4",
    "numbers": "atoi int64 int float64 seq toDecimal until untilStep add1 add sub div mod mul biggest max min",
    "floats": "add1f addf subf divf mulf maxf minf ceil floor round",
    "defaults": "default empty coalesce all any compact mustCompact ternary deepCopy mustDeepCopy",
    "types": "typeOf typeIs typeIsLike kindOf kindIs deepEqual",
    "lists": "tuple list append push mustAppend mustPush prepend mustPrepend first mustFirst rest mustRest last mustLast "
    "initial mustInitial reverse mustReverse uniq mustUniq without mustWithout has mustHas concat chunk mustChunk "
    "slice mustSlice",
    "dicts": "dict get set unset hasKey pluck keys pick omit merge mergeOverwrite mustMerge mustMergeOverwrite values dig",
    "dates": "ago date date_in_zone date_modify dateInZone dateModify duration durationRound htmlDate htmlDateInZone "
    "must_date_modify mustDateModify mustToDate now toDate unixEpoch",
    "urls": "urlParse urlJoin getHostByName",
    "versions": "semver semverCompare",
    "crypto": "bcrypt htpasswd genPrivateKey derivePassword buildCustomCert genCA genCAWithKey genSelfSignedCert "
    "genSelfSignedCertWithKey genSignedCert genSignedCertWithKey encryptAES decryptAES",
    "encoding": "b64enc b64dec b32enc b32dec sha1sum sha256sum sha512sum adler32sum",
    "regex": "regexMatch mustRegexMatch regexFindAll mustRegexFindAll regexFind mustRegexFind regexReplaceAll "
    "mustRegexReplaceAll regexReplaceAllLiteral mustRegexReplaceAllLiteral regexSplit mustRegexSplit regexQuoteMeta",
    "paths": "base dir clean ext isAbs osBase osClean osDir osExt osIsAbs",
}
#: The module of each function.
HOMES: dict[str, str] = {name: module for module, names in _MODULES.items() for name in names.split()}


def is_loaded(name: str) -> bool:
    """Whether the module of a function is loaded."""
    return f"{__name__}.{HOMES[name]}" in sys.modules


def find(name: str) -> Function:
    """The function of a name that is in HOMES."""
    found = _FOUND.get(name)
    if found is None:
        path = f"{__name__}.{HOMES[name]}"
        __import__(path)  # importlib takes as long to load as two of these modules
        table: Table = sys.modules[path].FUNCTIONS
        found = _FOUND[name] = table[name]
    return found


_FOUND: dict[str, Function] = {}


def wrong_number(function: Function, name: str, given: int, *, piped: bool) -> str:
    """What is wrong with the number of arguments; "" if nothing is."""
    total = given + piped
    wanted = len(function.params)
    if function.variadic:
        if total < wanted - 1:
            return f"wrong number of args for {name}: want at least {wanted - 1} got {given}"
    elif total != wanted:
        return f"wrong number of args for {name}: want {wanted} got {total}"
    return ""
