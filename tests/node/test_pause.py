import io
import json
import os
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

from corral.node.pause import pause_binary, pause_image


@pytest.mark.skipif(os.uname().machine not in ("x86_64", "aarch64"), reason="no binary for this machine")
def test_it_waits_and_ignores_the_ends_of_children(tmp_path):
    binary = tmp_path / "pause"
    binary.write_bytes(pause_binary(os.uname().machine))
    binary.chmod(0o755)
    process = subprocess.Popen([binary])
    try:
        status = Path(f"/proc/{process.pid}/status")
        ignored = 0
        deadline_s = time.monotonic() + 5
        while not ignored and time.monotonic() < deadline_s:
            ignored = int(status.read_text().partition("SigIgn:")[2].split()[0], 16) & 1 << 16
        assert ignored
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(("machine", "architecture"), [("x86_64", "amd64"), ("aarch64", "arm64")])
def test_the_image_names_itself_and_its_platform(machine, architecture):
    with tarfile.open(fileobj=io.BytesIO(pause_image("corral.local/pause:1", machine))) as archive:
        (entry,) = json.load(archive.extractfile("index.json"))["manifests"]
    assert entry["annotations"]["io.containerd.image.name"] == "corral.local/pause:1"
    assert entry["platform"]["architecture"] == architecture


def test_it_is_the_same_every_time():
    assert pause_image("x:1", "x86_64") == pause_image("x:1", "x86_64")
