"""Accept headers."""

import pytest

from corral.api.errors import ApiError
from corral.server.negotiate import Wanted, wanted

KUBECTL = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", Wanted()),
        ("*/*", Wanted()),
        ("application/vnd.kubernetes.protobuf,application/json", Wanted()),
        ("text/html, application/*;q=0.8", Wanted()),
        ("application/yaml", Wanted("yaml")),
        ("application/json;q=0.5,application/yaml", Wanted("yaml")),
        (KUBECTL, Wanted("json", "Table", "v1")),
        ("application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io", Wanted("json", "PartialObjectMetadata")),
        ("application/json;as=Bogus;v=v1;g=meta.k8s.io,application/json", Wanted()),
    ],
)
def test_the_first_that_is_offered_counts(accept, expected):
    assert wanted(accept) == expected


@pytest.mark.parametrize("accept", ["text/html", "application/json;as=Bogus;v=v1;g=meta.k8s.io"])
def test_nothing_acceptable_is_406(accept):
    with pytest.raises(ApiError) as refused:
        wanted(accept)
    assert refused.value.code == 406
