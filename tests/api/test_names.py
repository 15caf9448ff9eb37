"""The checks of names say what is wrong in the reference's words."""

import pytest

from corral.api import names

LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an"
    " alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)


@pytest.mark.parametrize("check", [names.dns_label, names.dns_subdomain, names.dns_1035_label, names.label_value])
def test_an_ordinary_name_is_accepted_by_all(check):
    assert check("web-1") == []


def test_label_with_capitals_is_refused():
    assert names.dns_label("Web") == [LABEL]


def test_label_with_dots_is_told_so():
    assert names.dns_label("a.b") == ["must not contain dots"]


def test_long_label_is_refused_once():
    assert names.dns_label("x" * 64) == ["must be no more than 63 characters"]


def test_a_trailing_newline_is_no_part_of_a_name():
    assert names.dns_label("web\n") == [LABEL]


def test_label_values_are_counted_in_bytes():
    assert names.label_value("x" * 64) == ["must be no more than 63 bytes"]


def test_a_qualified_name_may_have_one_prefix():
    assert names.qualified_name("example.com/Name_1") == []
    assert names.qualified_name("a/b/c")[0].startswith("a qualified name must consist of")
    assert names.qualified_name("/b") == ["prefix part must be non-empty"]
    assert names.qualified_name("")[0] == "name part must be non-empty"


def test_config_keys_are_usable_as_file_names():
    assert names.config_key("a.txt") == []
    assert names.config_key("..") == ["must not be '..'"]
    assert names.config_key("..a") == ["must not start with '..'"]


def test_ports():
    assert names.port_number(0) == ["must be between 1 and 65535, inclusive"]
    assert names.port_name("http") == []
    assert names.port_name("8-0") == ["must contain at least one letter (a-z)"]


def test_addresses():
    assert names.ip_address("10.0.0.1") == names.ip_address("2001:db8::1") == []
    assert names.ip_address("10.0.0.01") == ["must not have leading 0s"]
    assert names.ip_address("10.0.0") == [names.VALID_IP]
    assert names.cidr("10.0.0.0/8") == []
    assert names.cidr("10.0.0.0/33") == names.cidr("10.0.0.0") == [names.VALID_CIDR]


def test_ranges_are_read_by_all_alike():
    assert names.cidr("010.0.0.0/8") == names.cidr("10.0.0.0/08") == ["must not have leading 0s in IP or prefix length"]
    assert names.cidr("::ffff:10.0.0.0/112") == ["must not have an IPv4-mapped IPv6 address"]
    assert names.cidr("10.1.0.0/8") == ["must not have bits set beyond the prefix length"]
    assert names.cidr("2001:db8::/64") == []


def test_canonical_forms():
    assert names.canonical_ip_address("2001:db8::1") == names.canonical_cidr("2001:db8::/64") == []
    assert names.canonical_ip_address("2001:DB8::1") == ['must be in canonical form ("2001:db8::1")']
    assert names.canonical_cidr("2001:db8:0::/64") == ['must be in canonical form ("2001:db8::/64")']


def test_webhooks_have_names_of_three_parts():
    assert names.fully_qualified_name("a.example.com") == []
    assert names.fully_qualified_name("example.com") == ["should be a domain with at least three segments separated by dots"]
    assert len(names.fully_qualified_name("-" * 300)) == 1
