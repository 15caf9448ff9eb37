"""Plain actions, read at once: pipelines of words that are known, as most of a chart is.

An action's text is cut at its quotes and spaces. What a word is, is found out once (scanner.py) and remembered, and so is what
a whole action is: charts are written with few words, and say the same things over and over. Whatever is not plain (a backslash,
a field of a parenthesis, `define`), or is wrong, is None here; the parser reads it token by token.
"""

from corral.base.annotations import Any, Container, Final
from corral.charts.render import numbers
from corral.charts.render.nodes import Command, Constant, Dot, Field, Identifier, Nil, Node, Pipe, Prepared, Variable
from corral.charts.render.scanner import SPACE, scan, scan_fields

#: So many actions and words are kept, and words of so many characters.
MAX_ACTIONS: Final = 20_000
MAX_WORDS: Final = 10_000
_MAX_LENGTH: Final = 100
#: So deep may parentheses nest in what is plain.
_MAX_DEPTH: Final = 100

_BRANCHES: Final = frozenset(["if", "range", "with"])
_ENDS: Final = {"end": Prepared("end", None, [], "end"), "else": Prepared("else", None, [], "else")}
_SEPARATORS: Final = {"|": "pipe", ",": "comma", ":=": "declare", "=": "assign"}
_TO_BLANKS: Final = dict.fromkeys(map(ord, SPACE), " ")

#: A part of a word: "node", "value" (a node that nothing can be piped into), "variable", "open", "paren" or a separator; the
#: class of its node and what that takes; how far from the word's start it and its node are.
_Part = tuple[str, Any, tuple[Any, ...], int, int]
#: A word's place and its parts.
_Word = tuple[int, tuple[_Part, ...]]


class Actions:
    """What actions are, by their text."""

    def __init__(self, functions: Container[str]) -> None:
        self.functions = functions
        self._known: dict[str, Prepared | None] = {}
        self._words: dict[str, tuple[_Part, ...]] = {}

    def prepare(self, text: str) -> Prepared | None:
        """What an action is, of which this is the text inside its braces; None if it is not plain."""
        try:
            return self._known[text]
        except KeyError:
            return self.again(text)

    def again(self, text: str) -> Prepared | None:
        """The same, made anew: where its variables have other slots."""
        if len(self._known) >= MAX_ACTIONS:
            self._known.clear()
        made = self._known[text] = self._read(text)
        return made

    def _read(self, text: str) -> Prepared | None:
        parts = text.split('"')
        if "\\" in text or not len(parts) & 1:
            return None
        if not text.isprintable():
            if any("\n" in string for string in parts[1::2]):
                return None
            parts[::2] = [part.translate(_TO_BLANKS) for part in parts[::2]]
        word, space, rest = parts[0].lstrip(" ").partition(" ")
        if word in _ENDS:
            return _ENDS[word] if len(parts) == 1 and not rest.strip(" ") else None
        kind, at = "action", 2
        if word in _BRANCHES and space:
            kind, at = word, 1 + len(parts[0]) - len(rest)
            parts[0] = space + rest
        words = self._cut(parts, at)
        return None if words is None else _pipeline(kind, words, text)

    def _cut(self, parts: list[str], at: int) -> list[_Word] | None:
        """The words of texts, of which those at odd places are strings; the first is at `at`."""
        words: list[_Word] = []
        known = self._words
        last = len(parts) - 1
        for i, part in enumerate(parts):
            if i & 1:
                words.append((at, (("value", Constant, (f'"{part}"', part), 0, 0),)))
                at += len(part) + 2
                continue
            if (i and (part[0] not in " )|" if part else i < last)) or (i < last and part and part[-1] != " "):
                return None  # something is directly beside a string
            for word in part.split(" "):
                if word:
                    try:
                        found = known[word]
                    except KeyError:
                        found = self._word(word)
                    if not found:
                        return None
                    words.append((at, found))
                    at += len(word)
                at += 1
            at -= 1
        return words

    def _word(self, word: str) -> tuple[_Part, ...]:
        """What a word is that has space around it; nothing if that is not plain."""
        found = self._usual(word) or self._parts(word)
        if len(word) <= _MAX_LENGTH:
            if len(self._words) >= MAX_WORDS:
                self._words.clear()
            self._words[word] = found
        return found

    def _usual(self, word: str) -> tuple[_Part, ...]:
        """What most words are, found without scanning: a function, or fields of dot or a variable, perhaps in parentheses."""
        operand = word.lstrip("(")
        start = len(word) - len(operand)
        end = start + len(operand := operand.rstrip(")"))
        made: _Part
        if operand in self.functions:
            made = "node", Identifier, (operand,), start, start
        else:
            head, *names = operand.split(".")
            if not operand.isascii() or not all(map(str.isidentifier, names)):
                return ()
            # Errors show the second name's place.
            if head == "" and names:
                made = "node", Field, (names,), start, start if len(names) == 1 else start + 1 + len(names[0])
            elif head == "$":
                made = "node", Variable, (head, names, 0), start, start + 1 if names else start
            elif head[:1] == "$" and head[1:].isidentifier():
                made = "variable", Variable, (head, names), start, start + len(head) if names else start
            else:
                return ()
        if start == 0 and end == len(word):
            return (made,)
        opened: list[_Part] = [("open", None, (), at, at) for at in range(start)]
        closed: list[_Part] = [("paren", None, (), at, at) for at in range(end, len(word))]
        return (*opened, made, *closed)

    def _parts(self, word: str) -> tuple[_Part, ...]:
        text = word + " "
        found: list[_Part] = []
        at = 0
        #: Whether an operand ends where the next part begins, so that none can begin there.
        operand = False
        while at < len(word):
            start = at
            kind, token, _, _ = scan(text, at, False)
            at += len(token)
            if kind == "paren" or token in _SEPARATORS:
                found.append((_SEPARATORS.get(token, kind), None, (), start, start))
                operand = kind == "paren"
                continue
            if operand:
                return ()
            if kind == "open":
                found.append((kind, None, (), start, start))
                continue
            operand = True
            if kind in ("field", "variable"):
                names = [token[1:]] if kind == "field" else []
                place = start
                if text[at] == ".":
                    place = at  # errors show the second name's
                    at = scan_fields(text, at, names)
                if kind == "field":
                    found.append(("node", Field, (names,), start, place))
                elif token == "$":
                    found.append(("node", Variable, (token, names, 0), start, place))
                else:
                    found.append(("variable", Variable, (token, names), start, place))
                continue
            made = self._operand(kind, token)
            if made is None:
                return ()
            found.append((*made, start, start))
        return tuple(found)

    def _operand(self, kind: str, token: str) -> tuple[str, Any, tuple[Any, ...]] | None:
        if kind == "identifier":
            return ("node", Identifier, (token,)) if token in self.functions else None
        if kind == "dot":
            return "value", Dot, ()
        if kind == "nil":
            return "value", Nil, ()
        if kind == "bool":
            return "value", Constant, (token, token == "true")
        if kind in ("number", "char", "complex"):
            try:
                return "value", Constant, (token, *numbers.number(token, kind))
            except ValueError:
                return None
        return None


def _pipeline(kind: str, words: list[_Word], text: str) -> Prepared | None:
    """An action that these words are."""
    pipe = Pipe(0)
    commands = pipe.commands
    used: list[Variable] = []
    #: The arguments of the command that is read, once it has begun; what is around it.
    args: list[Node] | None = None
    outer: list[tuple[Pipe, list[Node]]] = []
    #: Whether a variable and a comma have been read, and no other variable yet.
    listed = False
    made: set[Any] = set()
    for at, parts in words:
        for what, make, values, start, place in parts:
            if what == "pipe":
                if args is None:
                    return None
                args = None
                continue
            node: Node
            if what == "node":
                node = make(at + place, *values)
                made.add(make)
            elif what == "value":
                if args is None and commands:
                    return None
                node = make(at + place, *values)
            elif what == "variable":
                node = variable = Variable(at + place, *values)
                used.append(variable)
            elif what == "open":
                if len(outer) >= _MAX_DEPTH:
                    return None
                if args is None:
                    args = []
                    commands.append(Command(at + start, args))
                outer.append((pipe, args))
                pipe, args = Pipe(0), None
                commands = pipe.commands
                continue
            elif what == "paren":
                if args is None or not outer:
                    return None
                pipe.pos = commands[0].pos
                node = pipe
                pipe, args = outer.pop()
                commands = pipe.commands
            else:
                if outer or args is None or bool(pipe.declared) != (listed and what != "comma") or not _declares(pipe, used):
                    return None
                listed, pipe.assigns = what == "comma", what == "assign"
                args = None
                continue
            if args is None:
                args = []
                commands.append(Command(at + start, args))
            args.append(node)
    if outer or args is None or listed or (len(pipe.declared) > 1 and kind != "range"):
        return None
    pipe.pos = (pipe.declared or commands)[0].pos
    pipe.has_fields = Field in made
    pipe.has_variables = bool(used or Variable in made or pipe.declared)
    return Prepared(kind, pipe, used, text)


def _declares(pipe: Pipe, used: list[Variable]) -> bool:
    """Whether all that was read of a pipeline is a variable; it is one that gets the value, then."""
    if len(pipe.commands) != 1 or len(pipe.commands[0].args) != 1:
        return False
    variable = pipe.commands[0].args[0]
    if not isinstance(variable, Variable) or variable.names or variable.name == "$":
        return False
    pipe.declared.append(used.pop())
    pipe.commands.clear()
    return True
