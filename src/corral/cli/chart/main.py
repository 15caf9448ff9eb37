"""The list of chart commands, and how one is run: find it, read its flags, call it, tell its errors as Helm does.

A command is a module with `USAGE`, `FLAGS` and `run(options, arguments)`, which can return an exit status; groups (`repo add`)
are rows with two words.
"""

import sys

from corral.base.annotations import TYPE_CHECKING
from corral.base.errors import CorralError
from corral.cli.chart.flags import Flag, UsageError, described, parse
from corral.cli.chart.options import GLOBAL, Options

if TYPE_CHECKING:
    from types import ModuleType

#: (words, module, what it does); in the order of their use.
COMMANDS = (
    ("create", "create", "make a chart to begin with"),
    ("lint", "lint", "look for mistakes in a chart"),
    ("template", "template", "render a chart, with no cluster"),
    ("install", "install", "install a chart"),
    ("upgrade", "upgrade", "upgrade a release"),
    ("diff", "diff", "show what an upgrade would change"),
    ("rollback", "rollback", "go back to an older revision"),
    ("uninstall", "uninstall", "take a release away"),
    ("list", "list", "list releases"),
    ("status", "status", "show a release"),
    ("history", "history", "show a release's revisions"),
    ("test", "test", "run a release's tests"),
    ("get all", "get", "everything about a release"),
    ("get values", "get", "the values that a release was given"),
    ("get manifest", "get", "what a release put into the cluster"),
    ("get notes", "get", "a release's notes"),
    ("get hooks", "get", "a release's hooks"),
    ("get metadata", "get", "a release's name, chart, revision and so on"),
    ("show all", "show", "everything about a chart"),
    ("show chart", "show", "Chart.yaml"),
    ("show values", "show", "values.yaml"),
    ("show readme", "show", "the chart's README"),
    ("show crds", "show", "its custom resource definitions"),
    ("package", "package", "pack a chart"),
    ("verify", "verify", "verify an archive's provenance"),
    ("dependency list", "dependency_list", "list a chart's dependencies"),
    ("dependency update", "dependency", "fetch the dependencies that Chart.yaml names"),
    ("dependency build", "dependency", "fetch the dependencies that Chart.lock names"),
    ("repo add", "repo", "add a repository"),
    ("repo list", "repo", "list repositories"),
    ("repo update", "repo", "fetch the repositories' indexes"),
    ("repo remove", "repo", "remove repositories"),
    ("repo index", "repo", "make the index of a folder of archives"),
    ("search repo", "search", "search the repositories"),
    ("pull", "pull", "fetch a chart"),
    ("push", "push", "send an archive to a registry"),
    ("registry login", "registry", "log in to a registry"),
    ("registry logout", "registry", "log out of it"),
    ("env", "env", "show the files and settings in use"),
    ("version", "version", "show the version"),
)
ALIASES = {
    **{"ls": "list", "hist": "history", "dep": "dependency", "dependencies": "dependency", "inspect": "show", "fetch": "pull"},
    **{"del": "uninstall", "delete": "uninstall", "un": "uninstall"},
    **{
        "dependency up": "dependency update",
        "dependency ls": "dependency list",
        "repo up": "repo update",
        "repo ls": "repo list",
    },
    **{"repo rm": "repo remove", "show value": "show values"},
}
GROUPS = {words.split()[0] for words, _, _ in COMMANDS if " " in words}


def main(words: list[str]) -> int:
    """Run a chart command; the exit status, 1 where it fails."""
    try:
        return _run(words)
    except CorralError as error:
        _tell(error)
        return 1
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except Exception as error:
        from corral.cli.chart.failures import told

        found = told(error)
        if found is None:
            raise
        _tell(found)
        return 1


def listed() -> None:
    """What stands for the chart commands in the list of all commands; `cli.main` comes here before that list is loaded."""
    print(_overview())


def _run(words: list[str]) -> int:
    name, rest = _found(words)
    if name is None:
        return 0
    path = f"corral.cli.chart.{next(m for w, m, _ in COMMANDS if w == name)}"
    __import__(path)  # importlib is larger than some commands
    module = sys.modules[path]
    flags = (*GLOBAL, *flags_of(module, name))
    if "--help" in rest or "-h" in rest:
        print(help_of(module, name))
        return 0
    parsed = parse(flags, rest)
    status: int | None = module.run(Options({**parsed.values, "command": name}, parsed.given), parsed.arguments)
    return status or 0


def flags_of(module: "ModuleType", name: str) -> tuple[Flag, ...]:
    """The flags of one of a module's commands."""
    flags = module.FLAGS
    return tuple(flags[name] if isinstance(flags, dict) else flags)


def help_of(module: "ModuleType", name: str) -> str:
    """What `--help` prints."""
    usage = module.USAGE[name] if isinstance(module.USAGE, dict) else module.USAGE
    what = (module.__doc__ or "").split("\n\n", 1)
    more = f"\n\n{what[1].strip()}" if len(what) > 1 else ""
    said = next(text for words, _, text in COMMANDS if words == name)
    own, shared = flags_of(module, name), described(GLOBAL)
    return (
        f"{said[0].upper()}{said[1:]}.{more}\n\nUsage:\n  corral chart {usage}\n\nFlags:\n{described(own)}\n\n"
        f"Flags of all chart commands:\n{shared}"
    )


def _found(words: list[str]) -> tuple[str | None, list[str]]:
    """The command that the words name, and the rest of them. Flags may stand before it, as with Helm."""
    before, rest = _leading_flags(words)
    if rest[:1] == ["help"] and len(rest) > 1:
        rest = [*rest[1:], "--help"]
    if not rest or rest[0] in ("help", "--help", "-h"):
        print(_overview())
        return None, []
    name = ALIASES.get(rest[0], rest[0])
    rest = rest[1:]
    if name in GROUPS:
        if not rest or rest[0].startswith("-") or rest[0] == "help":
            print(_overview(name))
            return None, []
        name = f"{name} {rest[0]}"
        name, rest = ALIASES.get(name, name), rest[1:]
    if name == "init":
        raise CorralError(
            "there is nothing to initialize: charts need no server of their own", "corral chart install NAME CHART"
        )
    if not any(words == name for words, _, _ in COMMANDS):
        raise UsageError(f'unknown command "{name}" for "corral chart"', _meant(name))
    return name, before + rest


def _meant(name: str) -> str:
    """What somebody may have meant by a command that there is not."""
    if name == "plugin":
        return "plugins are not there; what there is: corral chart --help"
    from difflib import get_close_matches

    known = [words for words, _, _ in COMMANDS] + list(ALIASES)
    close = get_close_matches(name, known, n=3, cutoff=0.6)
    told = f"did you mean: {', '.join(close)}? " if close else ""
    return f"{told}see which there are: corral chart --help"


def _leading_flags(words: list[str]) -> tuple[list[str], list[str]]:
    by_name = {f"--{f.name}": f for f in GLOBAL} | {f"-{f.short}": f for f in GLOBAL if f.short}
    at = 0
    while at < len(words) and words[at].startswith("-") and words[at] not in ("--help", "-h"):
        flag = by_name.get(words[at].partition("=")[0])
        at += 1 if flag is None or flag.kind == "bool" or "=" in words[at] else 2
    return words[:at], words[at:]


def _overview(group: str = "") -> str:
    rows = [(words, what) for words, _, what in COMMANDS if not group or words.split()[0] == group]
    width = max(len(words) for words, _ in rows)
    lines = "\n".join(f"  {words:<{width}}  {what}" for words, what in rows)
    usage = f"{group} COMMAND" if group else "COMMAND"
    return (
        f"Helm's packages: render, install, upgrade, on any Kubernetes.\n\nUsage:\n  corral chart {usage}\n\n"
        f"Commands:\n{lines}\n\nFlags of all of them:\n{described(GLOBAL)}"
    )


def _tell(error: CorralError) -> None:
    print(f"Error: {error.message}", file=sys.stderr)
    if error.remedy:
        print(f"  → {error.remedy}", file=sys.stderr)
