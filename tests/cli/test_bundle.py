"""Modules in one file: found in it as they are in their sources, loaded from those where they are not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

#: Imports modules of the package `p` with a bundle, tells where each is from, and keeps what was new.
PROGRAM = """
import sys
from corral.cli.bundle import Bundle
folder, *names = sys.argv[1:]
sys.path.insert(0, folder)
import p
bundle = Bundle("p", folder + "/p")
sys.meta_path.insert(0, bundle)
for name in names:
    __import__(name)
    module = sys.modules[name]
    print(name, module.VALUE, type(module.__spec__.loader).__name__)
bundle.keep()
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "p/q").mkdir(parents=True)
    (tmp_path / "p/__init__.py").touch()
    for name in ("p/a.py", "p/b.py", "p/q/__init__.py", "p/q/c.py"):
        (tmp_path / name).write_text(f"VALUE = {name!r}\n")
    return tmp_path / "p"


def load(package: Path, *names: str, options: tuple[str, ...] = (), **environ: str) -> dict[str, list[str]]:
    """What each module holds, and what loaded it."""
    env = {"PYTHONPATH": ":".join(sys.path), **environ}
    command = [sys.executable, *options, "-c", PROGRAM, str(package.parent), *names]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return {name: rest for name, *rest in map(str.split, done.stdout.splitlines())}


def bundles(package: Path) -> list[Path]:
    return sorted(package.glob("__pycache__/bundle.*"))


def test_what_was_loaded_once_is_in_the_bundle(package: Path) -> None:
    assert load(package, "p.a", "p.q.c") == {"p.a": ["p/a.py", "SourceFileLoader"], "p.q.c": ["p/q/c.py", "SourceFileLoader"]}
    assert load(package, "p.a", "p.b", "p.q.c") == {
        "p.a": ["p/a.py", "_Loader"],
        "p.b": ["p/b.py", "SourceFileLoader"],
        "p.q.c": ["p/q/c.py", "_Loader"],
    }
    assert {loader for _, loader in load(package, "p.a", "p.b", "p.q", "p.q.c").values()} == {"_Loader"}
    assert len(bundles(package)) == 1


def test_a_module_is_what_it_is_without_the_bundle(package: Path) -> None:
    (package / "q/c.py").write_text(
        "import importlib.resources, inspect\n"
        "def f():\n    return 1\n"
        "VALUE = '|'.join([__file__, __package__, inspect.getsource(f).split()[1], importlib.resources.files(__package__).name])\n"
    )
    expected = f"{package}/q/c.py|p.q|f():|q"
    assert load(package, "p.q.c")["p.q.c"] == [expected, "SourceFileLoader"]
    assert load(package, "p.q.c")["p.q.c"] == [expected, "_Loader"]


def test_a_source_that_was_changed_counts_and_comes_into_the_bundle(package: Path) -> None:
    load(package, "p.a", "p.b")
    (package / "a.py").write_text("VALUE = 'new'\n")
    assert load(package, "p.a", "p.b") == {"p.a": ["new", "SourceFileLoader"], "p.b": ["p/b.py", "_Loader"]}
    assert load(package, "p.a") == {"p.a": ["new", "_Loader"]}


def test_a_source_that_is_gone_is_gone(package: Path) -> None:
    load(package, "p.a", "p.b")
    (package / "a.py").unlink()
    with pytest.raises(subprocess.CalledProcessError) as told:
        load(package, "p.a")
    assert "No module named 'p.a'" in told.value.stderr


def test_a_package_that_was_moved_has_no_use_for_it(package: Path) -> None:
    load(package, "p.a")
    moved = package.parent / "elsewhere/p"
    moved.parent.mkdir()
    package.rename(moved)
    assert load(moved, "p.a") == {"p.a": ["p/a.py", "SourceFileLoader"]}
    assert load(moved, "p.a") == {"p.a": ["p/a.py", "_Loader"]}


@pytest.mark.parametrize("content", [b"", b"nonsense", None], ids=["empty", "nonsense", "cut"])
def test_a_damaged_one_is_made_anew(package: Path, content: bytes | None) -> None:
    load(package, "p.a")
    (file,) = bundles(package)
    file.write_bytes(file.read_bytes()[:20] if content is None else content)
    assert load(package, "p.a") == {"p.a": ["p/a.py", "SourceFileLoader"]}
    assert load(package, "p.a") == {"p.a": ["p/a.py", "_Loader"]}


def test_none_is_made_where_python_keeps_no_code(package: Path, tmp_path: Path) -> None:
    load(package, "p.a", PYTHONDONTWRITEBYTECODE="1")
    load(package, "p.a", PYTHONPYCACHEPREFIX=str(tmp_path / "cache"))
    load(package, "p.a", options=("-O",))
    assert not bundles(package)


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write everywhere")
def test_a_folder_that_cannot_be_written_is_left_alone(package: Path) -> None:
    (package / "__pycache__").mkdir()
    (package / "__pycache__").chmod(0o500)
    assert load(package, "p.a") == {"p.a": ["p/a.py", "SourceFileLoader"]}
