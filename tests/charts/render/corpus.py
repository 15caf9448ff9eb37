"""The corpus: templates by feature with what the real Helm makes of them, in corpus/*.cases.

A case is its name behind `### `, the template, `=== output` or `=== error`, and the text; newlines at the ends do not count.
After a change of templates, `python -m tests.charts.render.corpus` asks Helm again and writes the texts anew.
"""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"
_CASE = re.compile(
    r"^### (?P<name>.*)\n(?P<template>(?:.|\n)*?)\n=== (?P<kind>output|error)\n(?P<text>(?:.|\n)*?)(?=\n### |\Z)",
    re.MULTILINE,
)


@dataclass
class Case:
    """One template, and what comes of it."""

    feature: str
    name: str
    template: str
    rendered: bool
    text: str


def read(feature: str) -> list[Case]:
    """The cases of a feature."""
    text = (FOLDER / f"{feature}.cases").read_bytes().decode("utf-8", "surrogateescape").removesuffix("\n")
    found = _CASE.finditer(text)
    return [Case(feature, match["name"], match["template"], match["kind"] == "output", match["text"]) for match in found]


def write(feature: str, cases: list[Case]) -> None:
    """Write the cases of a feature."""
    made = (f"### {case.name}\n{case.template}\n=== {'output' if case.rendered else 'error'}\n{case.text}\n" for case in cases)
    (FOLDER / f"{feature}.cases").write_bytes("".join(made).encode("utf-8", "surrogateescape"))


def features() -> list[str]:
    """The features that there are."""
    return sorted(path.stem for path in FOLDER.glob("*.cases"))


def record() -> None:
    """Ask Helm for all texts."""
    from tests.charts.render import helm

    binary = helm.find()
    assert binary, "no Helm here: scripts/setup --dev gets it"
    for feature in features():
        cases = read(feature)
        with tempfile.TemporaryDirectory() as folder:
            results = helm.by_helm(binary, [case.template for case in cases], Path(folder))
        for case, result in zip(cases, results, strict=True):
            case.rendered, case.text = result
        write(feature, cases)


if __name__ == "__main__":
    record()
