"""Which kubectl drives the tests: any from 1.20 (Debian 12's) on, and what only newer ones can do."""

import functools
import json
import re
import shutil
import subprocess

import pytest

#: From these on (1.x) kubectl has …
EXPLAINS_BY_GROUP = 21
APPLIES_KUSTOMIZE_LABELS = 22
HAS_EVENTS = MOVES_WHAT_IT_APPLIED = 26
ASKS_THE_SERVER_TO_VALIDATE = 27
TELLS_VERSIONS_IN_SHORT = HAS_WHOAMI = 28
WRITES_NO_TIME_INTO_TEMPLATES = 36


@functools.cache
def minor_version() -> int:
    """kubectl's: 20 for 1.20; 0 where there is none."""
    if shutil.which("kubectl") is None:
        return 0
    told = subprocess.run(["kubectl", "version", "--client", "-o", "json"], capture_output=True, text=True, check=True).stdout
    return int(re.sub(r"\D.*", "", json.loads(told)["clientVersion"]["minor"]))


def since(minor: int) -> pytest.MarkDecorator:
    """Mark a test of what an older kubectl cannot do. Where there is none, the fixtures say so."""
    return pytest.mark.skipif(0 < minor_version() < minor, reason=f"needs kubectl 1.{minor}, which is 1.{minor_version()} here")
