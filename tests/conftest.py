"""What all tests share.

Properties are tested for truth and not for speed, on machines that may be busy. `THOROUGH` tests take minutes: they drive whole
programs, compare with other ones or try thousands of random inputs. `scripts/check` leaves them out, `scripts/test` does not.
"""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

THOROUGH = (
    "api/cel/test_limits.py",
    "api/cel/test_properties.py",
    "api/patch/test_json.py",
    "charts/render/test_corpus.py",
    "charts/render/test_expressions.py",
    "charts/test_making.py",
    "charts/test_releases.py",
    "charts/test_rendering.py",
    "charts/test_repositories.py",
    "cli/test_up.py",
    "clients/",
    "conformance/",
    "fuzz/",
    "server/aggregation/",
    "server/streams/test_relay.py",
    "server/test_history.py",
    "store/test_crash.py",
)

settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is thorough."""
    for item in items:
        if item.path.relative_to(Path(__file__).parent).as_posix().startswith(THOROUGH):
            item.add_marker(pytest.mark.thorough)
