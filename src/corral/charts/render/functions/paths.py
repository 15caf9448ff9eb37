"""Sprig's functions of paths: Go's path and, on Unix, path/filepath."""

from corral.charts.render.functions import Table

FUNCTIONS = Table()


@FUNCTIONS.add("clean osClean", "string")
def clean(path: str) -> str:
    """path.Clean: the shortest name of the same place."""
    rooted = path.startswith("/")
    parts: list[str] = []
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part != ".." or not rooted:
            parts.append(part)
    made = "/".join(parts)
    return "/" + made if rooted else made or "."


@FUNCTIONS.add("base osBase", "string")
def _base(path: str) -> str:
    if not path:
        return "."
    stripped = path.rstrip("/")
    return stripped.rpartition("/")[2] or "/"


@FUNCTIONS.add("dir osDir", "string")
def _dir(path: str) -> str:
    return clean(path[: path.rfind("/") + 1])


@FUNCTIONS.add("ext osExt", "string")
def _ext(path: str) -> str:
    name: str = path.rpartition("/")[2]
    at = name.rfind(".")
    return name[at:] if at >= 0 else ""


@FUNCTIONS.add("isAbs osIsAbs", "string")
def _is_abs(path: str) -> bool:
    return path.startswith("/")
