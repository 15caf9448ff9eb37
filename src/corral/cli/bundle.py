"""The code of the modules that commands load, in one file: to find and read sixty of them takes as long as to run them.

    bundle = Bundle("corral", "/…/corral")
    sys.meta_path.insert(0, bundle)     # from now on modules are found in it
    …
    bundle.keep()                       # what was loaded and was not in it, is in it the next time

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
else:
    from _frozen_importlib import ModuleSpec
    from _frozen_importlib_external import MAGIC_NUMBER, SourceFileLoader

    ModuleType = type(sys)

#: Of a module: whether it is a package, the time (ns) and size of its source; where its code begins after the index, and its
#: length.
Entry = tuple[bool, int, int, int, int]
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
        folder, index = marshal.loads(os.pread(self._file, length, _INDEX_AT))
        self._codes_at = _INDEX_AT + length
        if folder == self._folder:
            self._index = index

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """A module that is in the bundle as it is in its source; None for others."""
        entry = self._index.get(name)
        if entry is None:
            return None
        is_package, mtime_ns, size, at, length = entry
        base = self._folder + name.removeprefix(self._package).replace(".", "/")
        source = f"{base}/__init__.py" if is_package else f"{base}.py"
        try:
            found = os.stat(source)
        except OSError:
            found = None
        if found is None or found.st_mtime_ns != mtime_ns or found.st_size != size:
            del self._index[name]
            return None
        code = os.pread(self._file, length, self._codes_at + at)
        spec = ModuleSpec(name, _Loader(name, source, code), origin=source)
        spec.has_location, spec.cached = True, self._path
        if is_package:
            spec.submodule_search_locations = [base]
        return spec

    def keep(self) -> None:
        """Put the modules into the file that were loaded and are not in it."""
        new = [name for name in sys.modules.keys() - self._index.keys() if name.startswith(f"{self._package}.")]
        if not new or sys.dont_write_bytecode or not self._is_usual:
            return
        entries = {
            name: (is_package, mtime_ns, size, os.pread(self._file, length, self._codes_at + at))
            for name, (is_package, mtime_ns, size, at, length) in self._index.items()
        }
        part = f"{self._path}.{os.getpid()}"
        try:
            entries |= {name: entry for name in new if (entry := _entry(name)) is not None}
            with open(part, "xb") as file:
                file.write(_packed(self._folder, entries))
            os.replace(part, self._path)
        except OSError:
            if os.path.exists(part):
                os.unlink(part)


class _Loader(SourceFileLoader):
    """Python's own, with the code at hand."""

    def __init__(self, name: str, path: str, code: bytes) -> None:
        super().__init__(name, path)
        self._code = code

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """A module with what Python would look for in it, and then set: looking in vain takes longer than setting it."""
        module = ModuleType(spec.name)
        module.__dict__.update(__loader__=self, __package__=spec.parent, __file__=spec.origin, __cached__=spec.cached)
        return module

    def get_code(self, fullname: str) -> "CodeType":
        """The module's code."""
        code: CodeType = marshal.loads(self._code)
        return code


def _entry(name: str) -> tuple[bool, int, int, bytes] | None:
    """A module as it is in the index, with its code in the place of where that is; None for one without a source."""
    spec = sys.modules[name].__spec__
    if spec is None or not isinstance(spec.loader, SourceFileLoader) or spec.origin is None:
        return None
    source = os.stat(spec.origin)  # before it is read, so that what is written meanwhile does not count
    code = marshal.dumps(spec.loader.get_code(name))
    return spec.submodule_search_locations is not None, source.st_mtime_ns, source.st_size, code


def _packed(folder: str, entries: dict[str, tuple[bool, int, int, bytes]]) -> bytes:
    index: dict[str, Entry] = {}
    at = 0
    for name, (is_package, mtime_ns, size, code) in entries.items():
        index[name] = is_package, mtime_ns, size, at, len(code)
        at += len(code)
    head = marshal.dumps((folder, index))
    codes = [code for _, _, _, code in entries.values()]
    return b"".join([MAGIC_NUMBER, len(head).to_bytes(_LENGTH_BYTES, "little"), head, *codes])
