"""Rendering a set of templates as Helm's engine does (pkg/engine/engine.go): order, what hides what, include, tpl, errors.

    from corral.charts.render import Options, Template, render
    outputs = render({"app/templates/pod.yaml": Template(text, scope, "app/templates")}, Options())

`scope` is what dot is at the top of a template (scopes.py makes it from a chart): Values, Release, Chart, Files … .
"""

import sys

from corral.base.annotations import TYPE_CHECKING, Any, Callable, Final, Mapping
from corral.charts.render import visits
from corral.charts.render.errors import ExecError, FunctionError, ParseError, RenderError
from corral.charts.render.functions.helm import WARNING_END, WARNING_START
from corral.charts.render.gotypes import Values
from corral.charts.render.strconv import quote
from corral.charts.render.units import Program, unit_of

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

#: As often may a template be included within itself.
MAX_INCLUDES: Final = 1000
#: So deep may texts be rendered within texts that are rendered by tpl.
MAX_TPL: Final = 250
_NO_VALUE = "<no value>"
#: Rounds of ranges and executions of templates that one rendering may take, and what it may write in all.
MAX_STEPS: Final = 20_000_000
MAX_OUTPUT: Final = 512 * 1024 * 1024
_CHECK_EVERY = 1024
#: So many pieces of output are made one, which then takes less memory.
_MANY_PIECES = 65_536
#: A frame of Python for each closure that is within another; what one level of template takes at most.
_RECURSION_LIMIT = 1_000_000


class Template:
    """A template's text, what dot is at its top, and the folder that `.Template.BasePath` tells."""

    __slots__ = ("base_path", "scope", "text")

    def __init__(self, text: str, scope: dict[str, Any], base_path: str) -> None:
        self.text = text
        self.scope = scope
        self.base_path = base_path


def _no_lookup(api_version: str, kind: str, namespace: str, name: str) -> dict[str, Any]:
    return {}


def _no_host(name: str) -> str:
    return ""


class Options:
    """What a rendering depends on beside its templates.

    `strict`: a key that is not there is an error. `lint`: is told what `required` and `fail` have to say, which then do not
    fail. `lookup` reads the cluster (api version, kind, namespace, name). `resolve_host` is `getHostByName`. `now` and
    `source` are clock and randomness, None the machine's. `max_steps` and `max_output` (characters) end what would not end.
    """

    __slots__ = ("_source", "lint", "lookup", "max_output", "max_steps", "now", "resolve_host", "strict")

    def __init__(
        self,
        *,
        strict: bool = False,
        lint: Callable[[str], None] | None = None,
        lookup: Callable[[str, str, str, str], Any] = _no_lookup,
        resolve_host: Callable[[str], str] = _no_host,
        now: "Callable[[], datetime] | None" = None,
        source: "Random | None" = None,
        max_steps: int = MAX_STEPS,
        max_output: int = MAX_OUTPUT,
    ) -> None:
        self.strict = strict
        self.lint = lint
        self.lookup = lookup
        self.resolve_host = resolve_host
        self.now = now or _now
        self._source = source
        self.max_steps = max_steps
        self.max_output = max_output

    @property
    def source(self) -> "Random":
        """The source of randomness."""
        if self._source is None:
            from random import SystemRandom

            self._source = SystemRandom()
        return self._source


def _now() -> "datetime":
    from datetime import UTC, datetime

    return datetime.now(UTC).astimezone()


def render(templates: Mapping[str, Template], options: Options | None = None) -> dict[str, str]:
    """The output of each template but those whose name begins with "_", by path. Raises RenderError.

    The scopes get their "Template" entry, as in Helm; templates can change the values in them, which those after them see.
    """
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _RECURSION_LIMIT))
    visits.of_rendering()
    try:
        return Run(options or Options(), dict(templates)).render()
    except MemoryError:
        raise RenderError("rendering template failed: out of memory") from None
    except RecursionError:
        raise RenderError("rendering template failed: the templates nest too deep") from None
    finally:
        sys.setrecursionlimit(limit)


class Run:
    """One rendering: the templates by name, and what they share. What `tpl` renders is one of its own, with a parent."""

    #: Helm ends at 100,000, and says so; the memory for as many frames of Python would be a gigabyte.
    max_template_depth = 20_000

    def __init__(self, options: Options, files: Mapping[str, Template], parent: "Run | None" = None) -> None:
        self.options = options
        self.strict = options.strict
        self._own: list[Values] = []
        self.lint = options.lint
        self.lookup = options.lookup
        #: The programs by name, those that files define included.
        self.templates: dict[str, Program] = {}
        self._files = files
        self._including: dict[str, int] = parent._including if parent else {}
        self._level: int = parent._level + 1 if parent else 0
        self._meter: _Meter = parent._meter if parent else _Meter(options)
        #: Those that a text has beside its own, by the file that it is rendered in.
        self._others: dict[str, dict[str, Program]] = parent._others if parent else {}
        #: Count a round of a range or an execution. Raises RenderError when there were too many.
        self.tick = self._meter.step

    def render(self) -> dict[str, str]:
        """Parse all files, then execute those that are not partials. Raises RenderError."""
        self.templates = _programs(self._files)
        return {
            name: self._executed(name, self._files[name])
            for name in sorted(self._files, key=_order, reverse=True)
            if not _is_partial(name)
        }

    def _enter(self, scope: dict[str, Any]) -> None:
        """Go to the templates of a chart: its scope and its values are chartutil.Values there."""
        own = [value for value in (scope, scope.get("Values")) if isinstance(value, Values)]
        for value in self._own:
            value.become(plain=True)
        for value in own:
            value.become(plain=False)
        self._own = own

    def _executed(self, name: str, template: Template) -> str:
        self._enter(template.scope)
        template.scope["Template"] = Values(Name=name, BasePath=template.base_path)
        out: list[str] = []
        program = self.templates.get(name)
        try:
            if program is not None:
                program.execute(self, template.scope, out)
        except ExecError as error:
            raise _told(error) from None
        return "".join(out).replace(_NO_VALUE, "")

    def include(self, name: str, data: Any) -> str:
        """The output of a template. Raises FunctionError, ExecError."""
        including = self._including
        depth = including.get(name, 0)
        if depth > MAX_INCLUDES:
            raise FunctionError(f"rendering template has a nested reference name: {name}: unable to execute template")
        tree = self.templates.get(name)
        if tree is None:
            raise FunctionError(f'template: no template "{name}" associated with template "gotpl"')
        including[name] = depth + 1
        out: list[str] = []
        try:
            self._meter.step(out)
            tree.execute(self, data, out)
        finally:
            including[name] -= 1
        return out[0] if len(out) == 1 else "".join(out)

    def tpl(self, text: str, scope: dict[str, Any]) -> str:
        """The output of a text as a template; it can call the others. Raises FunctionError."""
        place = scope.get("Template")
        if not isinstance(place, dict) or not isinstance(place.get("BasePath"), str):
            raise FunctionError(
                f'cannot retrieve Template.Basepath from values inside tpl function: {text}: "BasePath" is not a value'
            )
        name = place.get("Name")
        if not isinstance(name, str):
            raise FunctionError(f'cannot retrieve Template.Name from values inside tpl function: {text}: "Name" is not a value')
        if self._level >= MAX_TPL:
            raise FunctionError(f"tpl is called within itself more than {MAX_TPL} times")
        self._meter.step([])
        try:
            return self._inner(name, Template(text, scope, place["BasePath"]))
        except RenderError as error:
            raise FunctionError(f"error during tpl function execution for {quote(text)}: {error.message}") from None

    def _inner(self, name: str, template: Template) -> str:
        """What a text gives that is rendered as if it were the file `name`: it sees what all other files define."""
        others = self._others.get(name)
        if others is None:
            others = self._others[name] = _programs({path: file for path, file in self._files.items() if path != name})
        if name not in others and not _is_partial(name):
            from corral.charts.render.simpletexts import filled

            template.scope["Template"] = Values(Name=name, BasePath=template.base_path)
            made = filled(self, template.text, template.scope)
            if made is not None:
                return made.replace(_NO_VALUE, "")
        programs = _parsed(name, template.text, lasting=False)  # values are in it, which can be secret
        inner = Run(self.options, self._files, self)
        if any(program.name in self._files for program in programs if program.name != name):
            # It takes the place of a file.
            inner.templates = _programs(self._files, programs)
        else:
            inner.templates = others.copy()
            for program in programs:
                hidden = others.get(program.name)
                if hidden is None or hidden.empty:
                    inner.templates[program.name] = program
        return "" if _is_partial(name) else inner._executed(name, template)


def _programs(files: Mapping[str, Template], first: "list[Program] | None" = None) -> dict[str, Program]:
    """All programs of files by name, the last of those that are not empty. Files whose name `first` takes are not read."""
    made = {program.name: program for program in first or ()}
    taken = set(made)
    for path in sorted(files, key=_order, reverse=True):
        if path in taken:
            continue
        for program in _parsed(path, files[path].text):
            if program.name not in made or not program.empty:
                made[program.name] = program
    return made


def _parsed(name: str, text: str, *, lasting: bool = True) -> list[Program]:
    """The programs of a text. Raises RenderError."""
    try:
        return unit_of(name, text, lasting=lasting).programs(name)
    except ParseError as error:
        message = str(error).split(": ")
        place = message[1] if len(message) > 1 else name
        raise RenderError(f"parse error at ({place}): {message[-1]}", name, error.line) from None


def _is_partial(name: str) -> bool:
    return name.rpartition("/")[2].startswith("_")


class _Meter:
    """What a rendering has used of its steps and its output."""

    def __init__(self, options: Options) -> None:
        self._steps = 0
        self._options = options
        #: The output that was measured last, how many of its pieces, and their characters.
        self._out: list[str] = []
        self._pieces = 0
        self._size = 0

    def step(self, out: list[str]) -> None:
        self._steps += 1
        if self._steps % _CHECK_EVERY == 0:
            self._check(out)

    def _check(self, out: list[str]) -> None:
        if self._steps > self._options.max_steps:
            raise RenderError(f"rendering template failed: more than {self._options.max_steps} steps")
        if out is not self._out or len(out) < self._pieces:
            self._out, self._pieces, self._size = out, 0, 0
        self._size += sum(map(len, out[self._pieces :] if self._pieces else out))
        self._pieces = len(out)
        if self._pieces > _MANY_PIECES:
            out[:] = ["".join(out)]
            self._pieces = 1
        if self._size > self._options.max_output:
            raise RenderError(f"rendering template failed: more than {self._options.max_output} characters of output")


def _order(path: str) -> tuple[int, bytes]:
    """Deeper templates come first, so that what a parent defines hides what its subcharts define."""
    return path.count("/"), path.encode("utf-8", "surrogateescape")


def _told(error: ExecError) -> RenderError:
    text = str(error)
    parts = text.split(": ", 2)
    _, is_warning, rest = parts[2].partition(WARNING_START) if len(parts) == 3 else ("", "", "")
    warning, is_ended, _ = rest.rpartition(WARNING_END)
    if is_warning and is_ended:
        text = f"execution error at ({parts[1]}): {warning}"
    return RenderError(text, error.path, error.line, error.column)
