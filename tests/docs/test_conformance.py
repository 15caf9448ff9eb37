"""The table of conformance is what the tests say."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_table_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "conformance-table"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
