"""Random expressions of the template language that do not fail, by the type of their value."""

import json

from hypothesis import strategies as st

_ALPHABET = "aAbBzZ019 _-.:/,#'\"\\\n\téß☃日<&>{}[]%@`~|!?*=+$"
TEXTS = st.text(_ALPHABET, max_size=12)
LONG = st.lists(st.text("abcdef", min_size=1, max_size=9), min_size=8, max_size=24).map(" ".join)


def quoted(text: str) -> str:
    """A string as a literal."""
    return json.dumps(text, ensure_ascii=False).replace("\\/", "/")


_WORDS = [
    "yes",
    "no",
    "on",
    "null",
    "~",
    "1",
    "1.5",
    "0x1f",
    "1e3",
    "2020-01-01",
    "12:30",
    "- a",
    "a: b",
    "#x",
    " x",
    "x ",
    "=",
    "<<",
    "1_0",
]
_PATHS = [".Values.s", ".Values.e", ".Values.u", "$.Values.s"]
strings = st.deferred(
    lambda: st.one_of(
        TEXTS.map(quoted),
        LONG.map(quoted),
        st.sampled_from(_WORDS).map(quoted),
        st.sampled_from(_PATHS),
        _call(
            st.sampled_from(["upper", "lower", "title", "untitle", "trim", "nospace", "swapcase", "b64enc", "sha256sum"]),
            strings,
        ),
        _call(st.sampled_from(["snakecase", "kebabcase", "camelcase"]), st.text("aAbB19_- ", max_size=9).map(quoted)),
        _call(st.sampled_from(["toYaml", "toJson", "toPrettyJson", "toString", "quote", "squote", "print"]), anything),
        _call(st.sampled_from(["trunc", "indent", "nindent"]), st.integers(0, 9).map(str), strings),
        _call(st.just("trunc"), st.integers(-9, -1).map(str), strings),
        _call(st.just("replace"), strings, strings, strings),
        _call(st.sampled_from(["trimSuffix", "trimPrefix", "trimAll"]), strings, strings),
        _call(st.just("join"), strings, lists),
        _call(st.just("printf"), st.sampled_from(_FORMS).map(quoted), anything),
        _call(st.sampled_from(["cat", "print", "println"]), anything, anything),
        _call(
            st.just("regexReplaceAll"), st.sampled_from(["[a-c]+", "a|b", "", "x*", "(.)", r"\s"]).map(quoted), strings, strings
        ),
        _call(st.just("ternary"), strings, strings, booleans),
        _call(st.just("typeOf"), anything),
    ),
)
_FORMS = [
    "%v",
    "%+v",
    "%#v",
    "%T",
    "%q",
    "%s",
    "%d",
    "%5v|",
    "%-8v|",
    "%x",
    "%05d",
    "%.2f",
    "%e",
    "%g",
    "%t",
    "%c",
    "%U",
    "%o",
    "%b",
    "%+d",
    "%6.2f",
]
numbers = st.deferred(
    lambda: st.one_of(
        st.integers(-1000, 10**7).map(str),
        st.floats(allow_nan=False, allow_infinity=False, width=32)
        .map(lambda number: repr(float(number)))
        .filter(lambda text: "e" not in text),
        st.sampled_from([".Values.a", ".Values.f", ".Values.big", ".Values.huge", ".Values.neg"]),
        _call(st.sampled_from(["add", "sub", "mul", "max", "min"]), anything, anything),
        _call(st.sampled_from(["add1", "int", "int64", "float64", "ceil", "floor"]), anything),
        _call(st.sampled_from(["addf", "subf", "mulf", "maxf", "minf"]), numbers, numbers),
        _call(st.just("len"), st.one_of(strings, lists, dicts)),
        _call(st.just("round"), numbers, st.integers(0, 4).map(str)),
    ),
)
booleans = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["true", "false", ".Values.t", ".Values.fa"]),
        _call(st.sampled_from(["empty", "not"]), anything),
        _call(st.sampled_from(["eq", "ne", "lt", "le", "gt", "ge", "contains", "hasPrefix", "hasSuffix"]), strings, strings),
        _call(st.sampled_from(["deepEqual"]), anything, anything),
        _call(st.just("has"), anything, lists),
        _call(st.sampled_from(["hasKey"]), dicts, strings),
        _call(st.just("kindIs"), st.sampled_from(['"string"', '"map"', '"int"', '"slice"']), anything),
    ),
)
lists = st.deferred(
    lambda: st.one_of(
        st.sampled_from([".Values.l", ".Values.el", ".Values.m.c.d"]),
        st.lists(anything, max_size=3).map(lambda items: f"(list {' '.join(items)})"),
        _call(st.sampled_from(["rest", "initial", "reverse", "uniq", "compact", "sortAlpha", "toStrings"]), lists),
        _call(st.sampled_from(["append", "prepend"]), lists, anything),
        _call(st.just("concat"), lists, lists),
        _call(st.just("splitList"), strings, strings),
        _call(st.just("until"), st.integers(-3, 5).map(str)),
        _call(st.just("without"), lists, anything),
        _call(
            st.just("regexFindAll"),
            st.sampled_from(["[a-c]+", "a|b", "", "x*", "."]).map(quoted),
            strings,
            st.integers(-1, 3).map(str),
        ),
    ),
)
dicts = st.deferred(
    lambda: st.one_of(
        st.sampled_from([".Values.m", ".Values.em", ".Values.m.c"]),
        st.lists(st.tuples(TEXTS.map(quoted), anything), max_size=3).map(
            lambda items: f"(dict {' '.join(f'{key} {value}' for key, value in items)})",
        ),
        _call(st.just("merge"), st.just("(dict)"), dicts, dicts),
        _call(st.just("mergeOverwrite"), st.just("(dict)"), dicts, dicts),
        _call(st.sampled_from(["deepCopy"]), dicts),
        _call(st.sampled_from(["pick", "omit"]), dicts, strings),
    ),
)
anything = st.deferred(
    lambda: st.one_of(
        strings,
        numbers,
        booleans,
        lists,
        dicts,
        st.sampled_from([".Values.n", ".Values.nope"]),
        _call(st.sampled_from(["default", "coalesce", "and", "or"]), anything, anything),
        _call(st.sampled_from(["first", "last"]), lists),
        _call(st.just("get"), dicts, strings),
    ),
)


def _call(name: st.SearchStrategy[str], *args: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(name, *args).map(lambda parts: f"({' '.join(parts)})")


@st.composite
def templates(draw: st.DrawFn) -> str:
    """A template around an expression."""
    value = draw(anything)
    form = draw(
        st.sampled_from(
            [
                "{{ %s }}",
                "a {{- %s -}} b",
                "{{ $x := %s }}{{ $x }}{{ toJson $x }}",
                "{{ if %s }}yes{{ else }}no{{ end }}",
                "{{ with %s }}[{{ . }}]{{ else }}none{{ end }}",
                "{{ %s | toYaml | nindent 2 }}",
                '{{ dict "k" %s | toYaml }}',
                "{{ range $i, $e := list 1 %s }}{{ $i }}:{{ $e }};{{ end }}",
            ],
        ),
    )
    return form.replace("%s", value)
