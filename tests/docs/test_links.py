"""The documents point at files that are there, and at names that are in them."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\[(?P<text>[^\]\n]*)\]\((?P<target>[^)#\s]+)(?:#[^)]*)?\)")
NAME = re.compile(r"`([A-Za-z_][\w.]*)`")


def links(document: Path) -> list[tuple[str, Path]]:
    """Text and target of each link to a file of ours."""
    found = LINK.finditer(document.read_text())
    return [(m["text"], document.parent / m["target"]) for m in found if "://" not in m["target"]]


def names(module: Path) -> set[str]:
    """What a module defines at its top, and the members of its classes as `Class.member`."""
    found = set()
    for node in ast.parse(module.read_text()).body:
        for name in defined(node):
            found.add(name)
            if isinstance(node, ast.ClassDef):
                found |= {f"{name}.{member}" for inner in node.body for member in defined(inner)}
    return found


def defined(node: ast.stmt) -> list[str]:
    match node:
        case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
            return [name]
        case ast.Assign(targets):
            return [t.id for t in targets if isinstance(t, ast.Name)]
        case ast.AnnAssign(ast.Name(name)):
            return [name]
    return []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_what_they_say(document: Path) -> None:
    wrong = []
    for text, target in links(document):
        if not target.exists():
            wrong.append(f"{text}: there is no {target}")
        elif target.suffix == ".py" and (name := NAME.fullmatch(text)) and name[1] not in names(target):
            wrong.append(f"{target.relative_to(ROOT)} has no {name[1]}")
    assert not wrong


def test_every_document_is_reachable_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        document = waiting.pop().resolve()
        if document not in seen and document.suffix == ".md" and document.exists():
            seen.add(document)
            waiting += [target / "README.md" if target.is_dir() else target for _, target in links(document)]
    assert {d.resolve() for d in (ROOT / "docs").rglob("*.md")} <= seen
