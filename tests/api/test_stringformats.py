"""Formats of strings in schemas."""

import pytest

from corral.api.stringformats import FORMATS, duration_ns

GOOD = {
    "ipv4": ["10.0.0.1"],
    "ipv6": ["::1", "fe80::1"],
    "cidr": ["10.0.0.0/8", "10.1.2.3/8", "::/0"],
    "mac": ["00:00:5e:00:53:01", "00-00-5e-00-53-01", "0000.5e00.5301"],
    "uuid": ["123e4567-e89b-12d3-a456-426614174000", "123E4567E89B12D3A456426614174000"],
    "uuid4": ["123e4567-e89b-42d3-a456-426614174000"],
    "email": ["a@example.com"],
    "hostname": ["example.com", "a"],
    "uri": ["https://example.com/a?b", "/a"],
    "byte": ["aGk=", ""],
    "date": ["2020-02-29"],
    "date-time": ["2020-02-29T00:00:00Z", "2020-02-29T00:00:00.123+02:00"],
    "duration": ["1h30m", "2 days", "1d", "-1.5s", "0"],
    "isbn": ["0-306-40615-2", "978-0-306-40615-7"],
    "creditcard": ["4111 1111 1111 1111"],
    "ssn": ["123-45-6789"],
    "hexcolor": ["#fff", "00ff00"],
    "rgbcolor": ["rgb(0, 255,12)"],
    "bsonobjectid": ["507f1f77bcf86cd799439011"],
    "k8s-short-name": ["my-name"],
    "k8s-long-name": ["example.com"],
}
BAD = {
    "ipv4": ["::1", "10.0.0.256", "10.0.0"],
    "ipv6": ["10.0.0.1", "::g"],
    "cidr": ["10.0.0.0", "10.0.0.0/33"],
    "mac": ["00:00", "00:00-5e:00:53:01"],
    "uuid": ["123e4567"],
    "uuid4": ["123e4567-e89b-12d3-a456-426614174000"],
    "email": ["a", "a@", "a b@c"],
    "hostname": ["", "a b", "-a"],
    "uri": ["", "a b"],
    "byte": ["*"],
    "date": ["2020-02-30", "2020-2-3"],
    "date-time": ["2020-02-30T00:00:00Z", "now"],
    "duration": ["", "1", "1 x", "h"],
    "isbn": ["0-306-40615-3"],
    "creditcard": ["4111 1111 1111 1112"],
    "ssn": ["123"],
    "hexcolor": ["#ff"],
    "rgbcolor": ["rgb(0,0,256)"],
    "bsonobjectid": ["507f"],
    "k8s-short-name": ["A", "a.b"],
    "k8s-long-name": ["a_b"],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in GOOD.items() for text in texts])
def test_texts_that_have_the_format(name, text):
    assert FORMATS[name](text)


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in BAD.items() for text in texts])
def test_texts_that_do_not(name, text):
    assert not FORMATS[name](text)


def test_durations_have_words_for_units():
    assert duration_ns("1 day 2h") == duration_ns("26h") == 26 * 3600 * 10**9
