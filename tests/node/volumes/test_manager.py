"""Which volumes containers can never write to."""

import pytest

from corral.node.volumes.manager import is_read_only


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ({"configMap": {"name": "c"}}, True),
        ({"secret": {"secretName": "s"}}, True),
        ({"downwardAPI": {}}, True),
        ({"projected": {"sources": []}}, True),
        ({"image": {"reference": "web:1"}}, True),
        ({"persistentVolumeClaim": {"claimName": "c", "readOnly": True}}, True),
        ({"persistentVolumeClaim": {"claimName": "c"}}, False),
        ({"emptyDir": {}}, False),
        ({"hostPath": {"path": "/tmp"}}, False),
    ],
)
def test_the_agents_own_files_are_read_only(volume, expected):
    assert is_read_only({"name": "v", **volume}) is expected
