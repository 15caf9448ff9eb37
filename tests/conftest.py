"""What all tests share.

Properties are tested for truth and not for speed, on machines that may be busy. Thorough tests take minutes: they drive whole
programs, compare with other ones or try thousands of random inputs. `scripts/check` leaves them out, and tries fewer inputs in the
others (hypothesis' profile `quick`); `scripts/test` does neither.
"""

import gc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

#: What of tests/ is thorough: folders, files, tests. Besides them, whatever asks Helm itself (the fixture `helm`).
THOROUGH = (
    "api/cel/test_limits.py",
    "api/cel/test_properties.py",
    "charts/render/test_corpus.py::test_the_records_are_what_helm_says",
    "charts/render/test_expressions.py",
    "charts/test_making.py",
    "charts/test_releases.py",
    "charts/test_rendering.py",
    "charts/test_repositories.py",
    "cli/chart/test_flags.py::test_every_flag_of_helm_is_taken",
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
settings.register_profile("quick", settings.get_profile("steady"), max_examples=20)
settings.load_profile("steady")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even load what is left out as a whole: the official clients take longer to load than many tests to run."""
    left_out = THOROUGH if "not thorough" in config.option.markexpr else ()
    within = _within_tests(collection_path) + ("/" if collection_path.is_dir() else "")
    return True if within.startswith(left_out) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is thorough."""
    for item in items:
        within = f"{_within_tests(item.path)}::{item.name}"
        if within.startswith(THOROUGH) or "helm" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.thorough)


def pytest_collection_finish() -> None:
    """What the collection has made stays to the end: the garbage collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


def _within_tests(path: Path) -> str:
    folder = Path(__file__).parent
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else ""
