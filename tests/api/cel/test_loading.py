"""CEL costs nothing where nobody uses it."""

import subprocess
import sys

LOADED = """
import sys
import corral.server.api, corral.controllers.manager
from corral.api.kinds import MODULES, rules
for group, kind in MODULES:
    rules(group, kind)
print([name for name in sys.modules if name.startswith("corral.api.cel.") or name == "re2"])
"""


def test_a_server_without_rules_and_policies_does_not_load_it():
    found = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
