"""Search the repositories that were added: all words must be in a chart's name, description or keywords."""

from corral.base.errors import CorralError
from corral.charts import versions
from corral.charts.repositories import config
from corral.charts.repositories import index as indexes
from corral.cli.chart.flags import Flag
from corral.cli.chart.options import OUTPUT, Options, repository_cache, repository_config
from corral.cli.chart.output import check_format, show, table, warn

USAGE = {"search repo": "search repo [WORD...] [flags]"}
FLAGS = {
    "search repo": (
        OUTPUT,
        Flag("devel", "bool", "prereleases, too"),
        Flag("version", "string", "a range that versions must be in"),
        Flag("versions", "bool", "every version, not only the newest", "l"),
        Flag("regexp", "bool", "the words are regular expressions", "r"),
        Flag("max-col-width", "int", "how wide a column may be", default=50),
        Flag("fail-on-no-result", "bool", "nothing found is a failure"),
    )
}


def run(options: Options, arguments: list[str]) -> None:
    """Print what is found."""
    check_format(options.output)
    repositories = config.load(repository_config(options))
    if not repositories:
        raise CorralError("no repositories configured", "add one: corral chart repo add NAME URL")
    rows = []
    for repository in sorted(repositories, key=lambda r: r.name):
        try:
            index = indexes.read(config.index_file(repository_cache(options), repository.name), repository.name)
        except CorralError:
            warn(f"WARNING: Repo \"{repository.name}\" is corrupt or missing. Try 'corral chart repo update'.")
            continue
        rows += _rows(options, repository.name, index, arguments)
    if not rows and options.fail_on_no_result:
        raise CorralError("no results found")
    heading = ("NAME", "CHART VERSION", "APP VERSION", "DESCRIPTION")
    show(
        options.output,
        rows,
        lambda: (
            table([heading, *(tuple(r.values()) for r in rows)], max_width=options.max_col_width)
            if rows
            else "No results found"
        ),
    )


def _rows(options: Options, repository: str, index: indexes.Index, words: list[str]) -> list[dict[str, str]]:
    constraint = options.version or (">0.0.0-0" if options.devel else ">0.0.0")
    if versions.parse_range(constraint) is None:
        raise CorralError(f"an invalid version/constraint format: improper constraint: {constraint}", "write it as in ^1.2")
    rows, seen = [], set()
    whole = {f"{repository}/{name}": entries for name, entries in index.items()}
    try:
        found = list(indexes.searched(whole, words, regex=options.regexp))
    except ValueError as error:
        raise CorralError(str(error)) from None
    for name, entry in found:
        if not versions.satisfies(str(entry["version"]), constraint) or (name in seen and not options.versions):
            continue
        seen.add(name)
        rows.append(
            {
                "name": name,
                "version": str(entry["version"]),
                "app_version": str(entry.get("appVersion", "")),
                "description": str(entry.get("description", "")),
            }
        )
    return rows
