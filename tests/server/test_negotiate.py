"""Accept headers."""

import pytest

from corral.api.errors import ApiError
from corral.server.negotiate import Wanted, wanted, wanted_discovery

KUBECTL = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", Wanted()),
        ("*/*", Wanted()),
        ("application/vnd.kubernetes.protobuf,application/json", Wanted("protobuf")),
        ("application/vnd.kubernetes.protobuf;q=0.1,application/json", Wanted()),
        ("application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io,application/json", Wanted()),
        ("application/json;pretty=1", Wanted(pretty=True)),
        ("application/cbor,application/json", Wanted()),
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


PROTOBUF = "application/vnd.kubernetes.protobuf"
METADATA = ";as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


def test_custom_resources_have_no_protobuf_form_but_their_metadata_has():
    assert wanted(f"{PROTOBUF},application/json", custom=True) == Wanted()
    assert wanted(PROTOBUF + METADATA, custom=True) == Wanted("protobuf", "PartialObjectMetadata")
    with pytest.raises(ApiError) as refused:
        wanted(PROTOBUF, custom=True)
    assert (refused.value.code, refused.value.reason) == (406, "NotAcceptable")


def test_a_watch_has_no_yaml():
    assert wanted("application/yaml,application/json;stream=watch", watching=True) == Wanted()
    with pytest.raises(ApiError, match="only the following media types are accepted: application/json;stream=watch, "):
        wanted("application/yaml", watching=True)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json", (Wanted(), True)),
        (f"{PROTOBUF};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", (Wanted("protobuf"), True)),
        ("application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json", (Wanted(), False)),
        ("application/json,application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", (Wanted(), False)),
        (PROTOBUF, (Wanted("protobuf"), False)),
        ("", (Wanted(), False)),
    ],
)
def test_discovery(accept, expected):
    assert wanted_discovery(accept) == expected
