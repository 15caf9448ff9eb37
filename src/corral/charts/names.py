"""What a release may be called."""

from corral.base.patterns import pattern
from corral.charts.chart.errors import ChartError

MAX_NAME_CHARS = 53
SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_VERSIONED = pattern(r"(.*?)-v?\d+\.\d+.*")


def check(name: str) -> None:
    """Raise ChartError unless `name` can name a release."""
    if not name:
        raise ChartError("no name provided", "name the release, or let one be made: --generate-name")
    if len(name) > MAX_NAME_CHARS or not is_subdomain(name):
        raise ChartError(
            f'release name "{name}": invalid release name, must match regex ^{SUBDOMAIN}$ and the length must not be longer '
            f"than {MAX_NAME_CHARS}",
            "use lower-case letters, digits, '-' and '.'",
        )


def is_subdomain(name: str) -> bool:
    """Whether a name is what the pattern says, that of subdomains of RFC 1123; no command has to load `re` for it."""
    return all(label and label[0] != "-" != label[-1] and _CHARACTERS.issuperset(label) for label in name.split("."))


def generated(chart: str, second: int) -> str:
    """A name of a chart's reference and the time: `nginx-1700000000`."""
    base = chart.rstrip("/").rsplit("/", 1)[-1]
    if base in ("", ".", ".."):
        base = "chart"
    base = base.removesuffix(".tgz").removesuffix(".tar.gz")
    match = _VERSIONED.fullmatch(base) if chart.endswith((".tgz", ".tar.gz")) else None
    return f"{match[1] if match else base}-{second}"
