"""Repositories: added by a name, their indexes kept on disk."""

import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from corral.base.errors import CorralError
from corral.base.files import replace as replace_file
from corral.charts.repositories import config, resolve
from corral.charts.repositories import index as indexes
from corral.charts.repositories.config import Repository
from corral.cli.chart.flags import Flag, UsageError
from corral.cli.chart.options import OUTPUT, Options, repository_cache, repository_config
from corral.cli.chart.output import show, table, warn

USAGE = {
    "repo add": "repo add NAME URL [flags]",
    "repo list": "repo list [flags]",
    "repo update": "repo update [NAME...] [flags]",
    "repo remove": "repo remove NAME... [flags]",
    "repo index": "repo index FOLDER [flags]",
}
FLAGS = {
    "repo add": (
        Flag("username", "string", "the user"),
        Flag("password", "string", "the password"),
        Flag("password-stdin", "bool", "read the password from standard input"),
        Flag("ca-file", "string", "the authority of the repository's certificate"),
        Flag("cert-file", "string", "a certificate to show"),
        Flag("key-file", "string", "its key"),
        Flag("insecure-skip-tls-verify", "bool", "do not check the repository's certificate"),
        Flag("pass-credentials", "bool", "send user and password to other hosts, too"),
        Flag("force-update", "bool", "replace one of the same name"),
        Flag("no-update", "bool", "taken, as it has no meaning today", hidden=True),
        Flag("allow-deprecated-repos", "bool", "taken, as it has no meaning here", hidden=True),
    ),
    "repo list": (OUTPUT,),
    "repo update": (Flag("fail-on-repo-update-fail", "bool", "one that fails is a failure"),),
    "repo remove": (),
    "repo index": (
        Flag("url", "string", "the URL that the folder will be at"),
        Flag("merge", "string", "an index whose other entries stay"),
    ),
}
_NAME = re.compile(r"[^/\s]+")


def run(options: Options, arguments: list[str]) -> None:
    """Do what the command says."""
    _COMMANDS[options.values["command"]](options, arguments)


def _add(options: Options, arguments: list[str]) -> None:
    if len(arguments) != 2:
        raise UsageError('"corral chart repo add" requires 2 arguments', f"Usage:  corral chart {USAGE['repo add']}")
    name, url = arguments
    if not _NAME.fullmatch(name):
        raise CorralError(f"repository name ({name}) contains '/', please specify a different name without '/'")
    password = sys.stdin.readline().rstrip("\n") if options.password_stdin else options.password
    wish = Repository(
        name,
        url,
        options.username,
        password,
        _absolute(options.ca_file),
        _absolute(options.cert_file),
        _absolute(options.key_file),
        options.insecure_skip_tls_verify,
        options.pass_credentials,
    )
    path = repository_config(options)
    known = config.load(path)
    old = next((r for r in known if r.name == name), None)
    if old == wish:
        print(f'"{name}" already exists with the same configuration, skipping')
        return
    if old is not None and not options.force_update:
        raise CorralError(
            f"repository name ({name}) already exists, please specify a different name", "replace it: --force-update"
        )
    _fetch(options, wish)
    config.save(path, [*(r for r in known if r.name != name), wish])
    print(f'"{name}" has been added to your repositories')


def _absolute(path: str) -> str:
    return str(Path(path).absolute()) if path else ""


def _fetch(options: Options, repository: Repository) -> None:
    """Get and keep the index. Raises ChartError."""
    data = resolve.index_bytes(repository)
    index = indexes.parse(data, repository.url)
    cache = repository_cache(options)
    cache.mkdir(parents=True, exist_ok=True)
    replace_file(config.index_file(cache, repository.name), data, mode=0o644)
    names = "".join(f"{name}\n" for name in sorted(index))
    replace_file(cache / f"{repository.name}-charts.txt", names.encode(), mode=0o644)


def _list(options: Options, arguments: list[str]) -> None:
    if arguments:
        raise UsageError('"corral chart repo list" accepts no arguments', f"Usage:  corral chart {USAGE['repo list']}")
    repositories = config.load(repository_config(options))
    if not repositories and options.output == "table":
        raise CorralError("no repositories to show", "add one: corral chart repo add NAME URL")
    rows = [{"name": r.name, "url": r.url} for r in repositories]
    show(options.output, rows, lambda: table([("NAME", "URL"), *((r.name, r.url) for r in repositories)]))


def _update(options: Options, arguments: list[str]) -> None:
    update(options, arguments, strict=options.fail_on_repo_update_fail)


def update(options: Options, names: list[str], *, strict: bool = False) -> None:
    """Fetch the indexes of these repositories, or of all. Raises CorralError where there is none, or (`strict`) one fails."""
    known = config.load(repository_config(options))
    if not known:
        raise CorralError("no repositories found. You must add one before updating", "corral chart repo add NAME URL")
    chosen = [r for r in known if not names or r.name in names]
    for name in names:
        if all(r.name != name for r in known):
            raise CorralError(f"no repositories found matching '{name}'.  Nothing will be updated", "corral chart repo list")
    print("Hang tight while we grab the latest from your chart repositories...")
    failed = []
    for repository in chosen:
        try:
            _fetch(options, repository)
        except CorralError as error:
            failed.append(repository.url)
            print(
                f'...Unable to get an update from the "{repository.name}" chart repository ({repository.url}):\n'
                f"\t{error.message}"
            )
        else:
            print(f'...Successfully got an update from the "{repository.name}" chart repository')
    if failed and strict:
        raise CorralError(f"Failed to update the following repositories: {failed}")
    print("Update Complete. ⎈Happy Helming!⎈")


def _remove(options: Options, arguments: list[str]) -> None:
    if not arguments:
        raise UsageError(
            '"corral chart repo remove" requires at least 1 argument', f"Usage:  corral chart {USAGE['repo remove']}"
        )
    path, cache = repository_config(options), repository_cache(options)
    known = config.load(path)
    for name in arguments:
        if all(r.name != name for r in known):
            raise CorralError(f'no repo named "{name}" found', "see which there are: corral chart repo list")
        known = [r for r in known if r.name != name]
        config.save(path, known)
        for file in (config.index_file(cache, name), cache / f"{name}-charts.txt"):
            file.unlink(missing_ok=True)
        print(f'"{name}" has been removed from your repositories')


def _index(options: Options, arguments: list[str]) -> None:
    if len(arguments) != 1:
        raise UsageError('"corral chart repo index" requires 1 argument', f"Usage:  corral chart {USAGE['repo index']}")
    folder = Path(arguments[0])
    if not folder.is_dir():
        raise CorralError(f"{folder} is no folder", "name the folder that holds the archives")
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    index = indexes.of_folder(folder, options.url, now)
    if options.merge:
        other = Path(options.merge)
        if other.exists():
            index = indexes.merged(index, indexes.parse(other.read_bytes(), str(other)))
        else:
            warn(f"note: there is no {other} yet")
    replace_file(folder / "index.yaml", indexes.text(index, now), mode=0o644)


_COMMANDS: dict[str, Callable[[Options, list[str]], None]] = {
    "repo add": _add,
    "repo list": _list,
    "repo update": _update,
    "repo remove": _remove,
    "repo index": _index,
}
