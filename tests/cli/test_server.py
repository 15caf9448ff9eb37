"""What `corral server` does for itself before it serves."""

import resource

import pytest

from corral.cli.server import open_many_files


@pytest.fixture
def limits():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_it_may_have_as_many_connections_as_the_host_allows(limits):
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, limits[1]))
    open_many_files()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (limits[1], limits[1])
