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
