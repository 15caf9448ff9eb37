"""Texts with JSONPath in braces: what `helm show values --jsonpath` (3.10) prints for the same."""

import pytest

from corral.api.jsonpath import JsonPathError
from corral.charts.values.query import filled

VALUES = {
    "image": {"repository": "nginx", "tag": "", "pullPolicy": "Always"},
    "hosts": [{"host": "a", "paths": [{"path": "/"}, {"path": "/x"}]}, {"host": "b", "paths": []}],
    "service": {"port": 80.0, "on": False, "large": 1e6},
    "none": None,
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{.image.repository}:{.service.port} {.service.on}", "nginx:80 false"),
        ("{.image}", '{"pullPolicy":"Always","repository":"nginx","tag":""}'),
        ("{.hosts[*].paths[*].path}", "/ /x"),
        ("{.hosts[0:1].host}{.hosts[-1].host}", "ab"),
        ('{range .hosts[*]}{.host}{"\\n"}{end}', "a\nb\n"),
        ("{range .hosts[*]}{.host}({range .paths[*]}{.path}{end}){end}", "a(//x)b()"),
        ("{.nope.x[3]}{.none}{.image[0]}{.hosts[7]}", ""),
        ("image", "image"),
        ("a{'b'}c}", "abc}"),
        ("{$.image.pullPolicy}{@.image.pullPolicy}", "AlwaysAlways"),
        ("{..path}", "/ /x"),
        ("{['image','service']['port','tag']}", " 80"),
        ('{.hosts[?(@.host=="b")].paths}', "[]"),
        ("{1}{true}", "1true"),
        ("{.service.large} {.service}", '1e+06 {"large":1000000,"on":false,"port":80}'),
    ],
)
def test_it_prints_what_is_there(template: str, text: str) -> None:
    assert filled(template, VALUES) == text


@pytest.mark.parametrize("template", ["{", "{.a", "{.a[}", "{range .hosts[*]}x", "{.image[x]}"])
def test_what_it_cannot_understand_is_refused(template: str) -> None:
    with pytest.raises(JsonPathError):
        filled(template, VALUES)
