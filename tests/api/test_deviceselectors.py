"""Selectors of devices: what they may speak of."""

import pytest

from corral.api.deviceselectors import fault


@pytest.mark.parametrize(
    "expression",
    [
        "device.driver == 'gpu.example.com'",
        "device.attributes['gpu.example.com'].family == 'a'",
        "device.capacity['gpu.example.com'].memory.isGreaterThan(quantity('10Gi'))",
        "cel.bind(gpu, device.attributes['gpu.example.com'], gpu.fast && gpu.version.isGreaterThan(semver('1.0.0')))",
        "device.attributes['gpu.example.com'].fast",
        "device.allowMultipleAllocations || has(device.driver)",
    ],
)
def test_sound_selectors(expression):
    assert fault(expression) == ""


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("device.name == 'x'", "compilation failed: ERROR: <input>:1:7: undefined field 'name'"),
        ("object.x", "compilation failed: ERROR: <input>:1:1: undeclared reference to 'object'"),
        ("device.driver", "must evaluate to bool or the unknown type, not string"),
        ("device.capacity['a'].b > 3", "compilation failed: ERROR: <input>:1:24: found no matching overload for '_>_'"),
    ],
)
def test_faults(expression, why):
    assert fault(expression).startswith(why)
