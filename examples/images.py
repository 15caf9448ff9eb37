"""Makes the examples' images from this host's own programs, so that no registry is needed.

Each image is a folder with a Dockerfile; its `rootfs` is laid out here: a program, the shared libraries it is linked with, and
busybox. `corral image build` (Buildah) does the rest; what it says is shown where it fails.
Usage: python examples/images.py [--data-dir D] [--name N] [IMAGE...]
"""

import argparse
import contextlib
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
APPLETS = (
    "sh",
    "ls",
    "cat",
    "sleep",
    "ps",
    "env",
    "echo",
    "id",
    "mkdir",
    "tar",
    "nslookup",
    "nc",
    "kill",
    "vi",
    "date",
)
STDLIB_LEFT_OUT = (
    "site-packages",
    "dist-packages",
    "test",
    "tests",
    "idlelib",
    "tkinter",
    "turtledemo",
    "ensurepip",
    "lib2to3",
)


def copy(source: Path, root: Path) -> None:
    """Copy a file to the same path under `root`, following links, with the libraries that it is linked with."""
    for file in [source, *libraries(source)]:
        target = root / file.relative_to("/")
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file.resolve(), target)


def libraries(program: Path) -> list[Path]:
    """The shared objects that the loader would take for `program`; none for a static one."""
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    return [Path(p) for p in re.findall(r"(?:=> |^\s+)(/\S+) \(0x", listed.stdout, re.MULTILINE)]


def busybox(root: Path) -> None:
    """A shell and small tools in /bin, wget, a place for temporary files, and names for the users."""
    copy(program("busybox"), root)
    (root / "bin").mkdir(exist_ok=True)
    if not (root / "bin/busybox").exists():
        shutil.copy2(program("busybox"), root / "bin/busybox")
    for applet in APPLETS:
        link = root / "bin" / applet
        if not link.exists():
            link.symlink_to("busybox")
    # The applet wget of Debian's busybox-static crashes on a name: a static glibc cannot resolve one.
    copy(program("wget"), root)
    for folder in ("tmp", "etc", "var/run", "var/log"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    (root / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\nnogroup:x:65534:\n")


def nginx(root: Path) -> None:
    """The web server; its configuration comes with the Dockerfile's folder."""
    busybox(root)
    copy(program("nginx"), root)
    for folder in ("var/lib/nginx", "var/log/nginx", "usr/share/nginx"):
        (root / folder).mkdir(parents=True, exist_ok=True)


def redis(root: Path) -> None:
    """The data store and its client."""
    busybox(root)
    copy(program("redis-server"), root)
    copy(program("redis-cli"), root)
    (root / "data").mkdir()


def python(root: Path) -> None:
    """This interpreter with its standard library."""
    busybox(root)
    interpreter = Path(sys.executable).resolve()
    copy(interpreter, root)
    stdlib = Path(sysconfig.get_path("stdlib"))
    ignore = shutil.ignore_patterns("__pycache__", "config-*", "*.a", *STDLIB_LEFT_OUT)
    shutil.copytree(stdlib, root / stdlib.relative_to("/"), ignore=ignore, symlinks=True, dirs_exist_ok=True)
    for module in (stdlib / "lib-dynload").glob("*.so"):
        for library in libraries(module):
            copy(library, root)
    link = root / "usr/local/bin/python3"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(interpreter)


def program(name: str) -> Path:
    """Where the host has it."""
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin")
    if found is None:
        raise SystemExit(f"examples/images.py: {name} is not installed\n  → run scripts/setup")
    return Path(found)


#: Image → (what its root holds, the folder of its Dockerfile, build arguments).
IMAGES = {
    "corral.local/busybox:1": (busybox, HERE / "busybox", {}),
    "corral.local/web:1": (nginx, HERE / "web", {"VERSION": "1"}),
    "corral.local/web:2": (nginx, HERE / "web", {"VERSION": "2"}),
    "corral.local/redis:1": (redis, HERE / "guestbook/redis", {}),
    "corral.local/guestbook:1": (python, HERE / "guestbook/front", {"VERSION": "1"}),
    "corral.local/guestbook:2": (python, HERE / "guestbook/front", {"VERSION": "2"}),
}


def main() -> None:
    """Build the images named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir")
    parser.add_argument("--name")
    parser.add_argument("images", nargs="*", metavar="IMAGE")
    arguments = parser.parse_args()
    options = ["--data-dir", arguments.data_dir] if arguments.data_dir else []
    options += ["--name", arguments.name] if arguments.name else []
    for image in arguments.images or IMAGES:
        with told(f"making {image} from this host's programs"):
            make(image, options)


def make(image: str, options: list[str]) -> None:
    """Lay out an image's root and build it, quietly."""
    fill, folder, build_arguments = IMAGES[image]
    with tempfile.TemporaryDirectory(prefix="corral-image-") as context:
        shutil.copytree(folder, context, dirs_exist_ok=True)
        root = Path(context, "rootfs")
        root.mkdir()
        fill(root)
        extra = [part for k, v in build_arguments.items() for part in ("--build-arg", f"{k}={v}")]
        command = [sys.executable, "-m", "corral", "image", "build", *options, "-t", image, *extra, context]
        subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)


@contextlib.contextmanager
def told(what: str) -> Iterator[None]:
    """A line that says what is being done and, when it is done, how long it took."""
    print(f"• {what}", end="", flush=True)
    began_s = time.monotonic()
    took = ""
    try:
        yield
        took = f" ({time.monotonic() - began_s:.1f} s)"
    finally:
        print(took, flush=True)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.stderr.write(error.stdout)
        raise SystemExit(error.returncode) from None
