"""The lines of a text of YAML in which several documents or tabs are."""

from corral.api.plainquotes import UnusualError, is_comment


def first_document(raw: list[str]) -> list[str]:
    """The lines of the first document, without those that mark where it begins and ends. Raises UnusualError."""
    start = 0
    for number, line in enumerate(raw):
        if line[:3] in ("---", "...") and line[3:4] in ("", " ", "\t"):
            if start or any(before.lstrip(" ")[:1] not in ("", "#") for before in raw[:number]):
                return [*raw[start:number], ""]
            if line[0] == "." or not is_comment(line[3:]):
                raise UnusualError
            start = number + 1
    return raw[start:]


def without_tabs(content: str) -> str:
    """A line without the tabs at its end, or before its comment; where there are others, it is fit for nothing but a block."""
    kept, comment = content, ""
    if "'" not in content and '"' not in content:
        at = min((at for at in (content.find(" #"), content.find("\t#")) if at >= 0), default=-1)
        if at >= 0:
            kept, comment = content[:at], " #"
    kept = kept.rstrip(" \t")
    return "\t" if not kept or "\t" in kept or kept[-1] in "-\\" else kept + comment
