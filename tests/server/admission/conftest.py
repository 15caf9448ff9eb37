"""A write as plugins see it."""

from collections.abc import Callable

import pytest

from corral.api import facts
from corral.api.objects import Object
from corral.server.request import Admission, Request, User

ANN = User("ann", groups=("system:authenticated",))

Write = Callable[..., Admission]


@pytest.fixture
def write() -> Write:
    catalog = facts.catalog()

    def make(
        group_resource: str,
        obj: Object | None,
        old: Object | None = None,
        *,
        operation: str = "",
        user: User = ANN,
        name: str = "",
        namespace: str = "x",
        subresource: str = "",
    ) -> Admission:
        resource = catalog.named(group_resource)
        namespace = namespace if resource.namespaced else ""
        name = name or ((old or {}).get("metadata", {}).get("name", "") if old else "")
        request = Request("POST", "", {}, {}, user=user, resource=resource, namespace=namespace, name=name)
        return Admission(request, resource, operation or ("UPDATE" if old else "CREATE"), obj, old, subresource)

    return make
