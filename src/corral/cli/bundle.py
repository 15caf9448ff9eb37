"""The code of the modules that commands load, in one file: to find and read sixty of them takes as long as to run them.

    bundle = Bundle("corral", "/…/corral")
    sys.meta_path.insert(0, bundle)     # from now on modules are found in it
    …
    bundle.keep()                       # what was loaded and was not in it, is in it the next time

What an import brings along is noted the first time that all of it is loaded from the bundle. From then on it is read at once,
and executed ahead of the module that is imported, in the order in which it was complete, past Python's importer, which takes as
long as all of it. Nothing is executed that the import would not execute itself.

It lies in `__pycache__`, beside the files in which Python keeps the code of each module, and is as good as they are: a module
counts while its source has the size and the time that it had; whoever can write there, can write the modules; where nobody
can, or nothing is to be written (PYTHONDONTWRITEBYTECODE), there is none. What is not in it, Python loads its own way.
"""

import marshal
import os
import sys

TYPE_CHECKING = False  # what is loaded before the bundle is not in it, so nothing more is

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec, SourceFileLoader
    from importlib.util import MAGIC_NUMBER
    from types import CodeType, ModuleType
    from typing import Any
else:
    from _frozen_importlib import ModuleSpec
    from _frozen_importlib_external import MAGIC_NUMBER, SourceFileLoader

    ModuleType = type(sys)

#: Of a module: whether it is a package, the time (ns) and size of its source; where its code begins after the index, and its
#: length.
Entry = tuple[bool, int, int, int, int]
#: What a module brings along, in the order in which it is complete; where the list of its codes begins, and the list's length.
Group = tuple[tuple[str, ...], int, int]
#: Which way of writing bundles this is: others are not read.
_FORMAT = 2
#: The index stands after Python's magic number and its own length, and the codes after it.
_LENGTH_BYTES = 8
_INDEX_AT = len(MAGIC_NUMBER) + _LENGTH_BYTES


class Bundle:
    """The modules of one package, in the folder `folder`: a finder of `sys.meta_path`."""

    def __init__(self, package: str, folder: str) -> None:
        self._package = package
        self._folder = folder
        self._path = os.path.join(folder, "__pycache__", f"bundle.{sys.implementation.cache_tag}")
        self._file = -1
        self._codes_at = 0
        self._index: dict[str, Entry] = {}
        self._brings: dict[str, Group] = {}
        #: The same as it was seen in this process.
        self._seen: dict[str, tuple[str, ...]] = {}
        #: What was loaded from here since somebody imported a module that is not complete yet; None where nobody does.
        self._complete: list[str] | None = None
        #: Python's own files are elsewhere, or the code is another: that is not worth a second file.
        self._is_usual = sys.pycache_prefix is None and not sys.flags.optimize
        if self._is_usual:
            try:
                self._open()
            except (OSError, ValueError, EOFError, TypeError):
                self._index = {}

    def _open(self) -> None:
        self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        head = os.pread(self._file, _INDEX_AT, 0)
        if not head.startswith(MAGIC_NUMBER):
            return
        length = int.from_bytes(head[len(MAGIC_NUMBER) :], "little")
        made_for, index, brings = marshal.loads(os.pread(self._file, length, _INDEX_AT))
        self._codes_at = _INDEX_AT + length
        if made_for == (_FORMAT, self._folder):
            self._index, self._brings = index, brings

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """A module that is in the bundle as it is in its source; None for others."""
        entry = self._index.get(name)
        if entry is None:
            return None
        is_package, mtime_ns, size, _, _ = entry
        base = self._folder + name.removeprefix(self._package).replace(".", "/")
        source = f"{base}/__init__.py" if is_package else f"{base}.py"
        try:
            found = os.stat(source)
        except OSError:
            found = None
        if found is None or found.st_mtime_ns != mtime_ns or found.st_size != size:
            del self._index[name]
            self._brings.clear()  # it can import others now
            return None
        spec = ModuleSpec(name, _Loader(name, source, self), origin=source)
        spec.has_location, spec.cached = True, self._path
        if is_package:
            spec.submodule_search_locations = [base]
        return spec

    def code(self, name: str) -> "CodeType":
        """The code of a module that was found."""
        _, _, _, at, length = self._index[name]
        code: CodeType = marshal.loads(self._read(at, length))
        return code

    def _read(self, at: int, length: int) -> bytes:
        return os.pread(self._file, length, self._codes_at + at)

    def execute(self, module: ModuleType) -> None:
        """Execute a module that Python's importer has made; what it brings along comes first, once that is known."""
        name = module.__name__
        if name in self._brings:
            self._bring(*self._brings[name])
        around = self._complete
        complete = self._complete = [] if around is None else around
        try:
            exec(self.code(name), module.__dict__)
        finally:
            self._complete = around
        if around is not None:
            around.append(name)
        elif complete and not _has_threads() and name not in self._brings:
            self._seen[name] = tuple(complete)

    def _bring(self, names: tuple[str, ...], at: int, length: int) -> None:
        """Execute modules, if most are not there yet and all of them are as they were.

        Where there are threads or something goes wrong, Python's importer is left to it: it knows of locks and cycles, and
        tells errors as ever.
        """
        modules = sys.modules
        missing = [name for name in names if name not in modules]
        specs: dict[str, Any] = {name: spec for name in missing if (spec := self.find_spec(name)) is not None}
        if not self._brings or _has_threads() or len(missing) * 2 < len(names):
            return
        codes = dict(zip(names, marshal.loads(self._read(at, length)), strict=True))
        made: dict[str, ModuleType] = {}

        def make(name: str) -> ModuleType:
            """Put an empty module where it belongs; its package has to be there, which is executed when it is complete."""
            package, _, last = name.rpartition(".")
            around = modules.get(package) or make(package)
            spec = specs[name]
            module: ModuleType = spec.loader.create_module(spec)
            made[name] = modules[name] = module
            setattr(around, last, module)
            return module

        try:
            for name in specs:
                module = made.get(name) or make(name)
                exec(codes[name], module.__dict__)
        except Exception:
            for name in made:
                modules.pop(name, None)

    def keep(self) -> None:
        """Put the modules into the file that were loaded and are not in it."""
        new = [name for name in sys.modules.keys() - self._index.keys() if name.startswith(f"{self._package}.")]
        if not (new or self._seen) or sys.dont_write_bytecode or not self._is_usual:
            return
        entries = {
            name: (is_package, mtime_ns, size, self._read(at, length))
            for name, (is_package, mtime_ns, size, at, length) in self._index.items()
        }
        groups = {name: (names, self._read(at, length)) for name, (names, at, length) in self._brings.items()}
        if not new:  # else, what was seen is perhaps not all
            for name, names in self._seen.items():
                groups[name] = names, marshal.dumps([self.code(brought) for brought in names])
        part = f"{self._path}.{os.getpid()}"
        try:
            entries |= {name: entry for name in new if (entry := _entry(name)) is not None}
            with open(part, "xb") as file:
                file.write(_packed(self._folder, entries, groups))
            os.replace(part, self._path)
        except OSError:
            if os.path.exists(part):
                os.unlink(part)


class _Loader(SourceFileLoader):
    """Python's own, with the code from the bundle."""

    def __init__(self, name: str, path: str, bundle: Bundle) -> None:
        super().__init__(name, path)
        self._bundle = bundle

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """A module with what Python would look for in it, and then set: looking in vain takes longer than setting it."""
        module = ModuleType(spec.name)
        module.__dict__.update(
            __loader__=self, __package__=spec.parent, __spec__=spec, __file__=spec.origin, __cached__=spec.cached
        )
        if spec.submodule_search_locations is not None:
            module.__path__ = spec.submodule_search_locations
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Execute the module."""
        self._bundle.execute(module)

    def get_code(self, fullname: str) -> "CodeType":
        """The module's code."""
        return self._bundle.code(fullname)


def _has_threads() -> bool:
    return "threading" in sys.modules


def _entry(name: str) -> tuple[bool, int, int, bytes] | None:
    """A module as it is in the index, with its code in the place of where that is; None for one without a source."""
    spec = sys.modules[name].__spec__
    if spec is None or not isinstance(spec.loader, SourceFileLoader) or spec.origin is None:
        return None
    source = os.stat(spec.origin)  # before it is read, so that what is written meanwhile does not count
    code = marshal.dumps(spec.loader.get_code(name))
    return spec.submodule_search_locations is not None, source.st_mtime_ns, source.st_size, code


def _packed(
    folder: str, entries: dict[str, tuple[bool, int, int, bytes]], groups: dict[str, tuple[tuple[str, ...], bytes]]
) -> bytes:
    index: dict[str, Entry] = {}
    brings: dict[str, Group] = {}
    parts: list[bytes] = []
    at = 0
    for name, (is_package, mtime_ns, size, code) in entries.items():
        index[name] = is_package, mtime_ns, size, at, len(code)
        parts.append(code)
        at += len(code)
    for name, (names, codes) in groups.items():
        brings[name] = names, at, len(codes)
        parts.append(codes)
        at += len(codes)
    head = marshal.dumps(((_FORMAT, folder), index, brings))
    return b"".join([MAGIC_NUMBER, len(head).to_bytes(_LENGTH_BYTES, "little"), head, *parts])
