"""Images of this host's busybox, made without a build: a tenth of a second instead of several."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corral.node.hostinfo import architecture
from corral.node.oci import image_archive, layer


def busybox(reference: str, config: Mapping[str, Any] | None = None) -> bytes:
    """An archive, as `corral image load` takes it: all applets, and what programs expect in /etc and /tmp."""
    program = Path("/usr/bin/busybox") if Path("/usr/bin/busybox").exists() else Path("/bin/busybox")
    applets = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split()
    files = {
        "bin/busybox": (program.read_bytes(), 0o755),
        "etc/passwd": (b"root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n", 0o644),
        "etc/group": (b"root:x:0:\nnogroup:x:65534:\n", 0o644),
        "tmp/.keep": (b"", 0o644),
    }
    made = layer(files, {f"bin/{applet}": "busybox" for applet in applets if applet != "busybox"})
    return image_archive(reference, architecture(), made, config or {"Cmd": ["sh"], "Env": ["PATH=/bin"]})
