"""Callers in the server's own process."""

import pytest
from tests.server.conftest import config_map

from corral.api.errors import ApiError


def test_a_storage_that_fails_is_an_error_of_the_api(story):
    async def tell(server):
        await server.api.core.store.close()
        with pytest.raises(ApiError, match="the store is closed") as refused:
            await server.client().create("configmaps", config_map("a"), "default")
        assert refused.value.code == 500

    story(tell)


def test_a_stream_that_was_read_as_a_whole_has_ended(story):
    async def tell(server):
        begun = await server.client().raw("GET", "/api/v1/pods", {"watch": "true", "resourceVersion": "1"})
        assert b'"code":410' in begun
        assert b"apiserver_longrunning_requests{" not in server.api.metrics.text()

    story(tell)
