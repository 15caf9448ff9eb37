"""Validation rules of custom resources on every road that an object can be written by."""

import json

import orjson

from corral.server.request import LOOPBACK, Request
from corral.server.verbs.patch import APPLY_PATCH, MERGE_PATCH

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
PATH = "/apis/example.com/v1/namespaces/default/tools"
SPEC = {
    "type": "object",
    "properties": {
        "n": {"type": "integer", "default": 3},
        "mode": {"type": "string"},
        "code": {"type": "string", "pattern": "^[a-z]+$"},
    },
    "x-kubernetes-validations": [
        {"rule": "self.n != 7", "message": "no sevens"},
        {"rule": "!has(oldSelf.mode) || self.mode == oldSelf.mode", "message": "mode is fixed"},
    ],
}
STATUS = {
    "type": "object",
    "properties": {"ready": {"type": "integer"}},
    "x-kubernetes-validations": [{"rule": "self.ready >= 0", "message": "not below zero"}],
}


def definition(spec=SPEC):
    schema = {"type": "object", "properties": {"spec": spec, "status": STATUS}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    version["subresources"] = {"status": {}}
    names = {"plural": "tools", "kind": "Tool"}
    head = {"kind": "CustomResourceDefinition", "apiVersion": "apiextensions.k8s.io/v1"}
    spec = {"group": "example.com", "scope": "Namespaced", "names": names, "versions": [version]}
    return {**head, "metadata": {"name": "tools.example.com"}, "spec": spec}


def tool(**spec):
    return {"kind": "Tool", "apiVersion": "example.com/v1", "metadata": {"name": "t"}, "spec": spec}


async def call(server, method, path, body=None, *, media="application/json", **query):
    headers = {"Content-Type": media, "User-Agent": "test"}
    raw = b"" if body is None else json.dumps(body).encode()
    answer = await server.api.handle(Request(method, path, query, headers, raw, LOOPBACK))
    return answer.status, orjson.loads(answer.body), answer.warnings


def test_rules_hold_for_every_write(story):
    async def tell(server):
        await call(server, "POST", DEFINITIONS, definition())
        status, found, _ = await call(server, "POST", PATH, tool(n=7))
        assert (status, found["message"]) == (422, 'Tool.example.com "t" is invalid: spec: Invalid value: no sevens')
        assert found["details"]["causes"] == [
            {"reason": "FieldValueInvalid", "message": "Invalid value: no sevens", "field": "spec"}
        ]
        # A default is there before the rules look.
        assert (await call(server, "POST", PATH, tool(mode="a")))[0] == 201
        fixed = 'Tool.example.com "t" is invalid: spec: Invalid value: mode is fixed'
        for media, change in ((MERGE_PATCH, {"spec": {"mode": "b"}}), (APPLY_PATCH, tool(mode="b"))):
            query = {"fieldManager": "me", "force": "true"} if media == APPLY_PATCH else {}
            status, found, _ = await call(server, "PATCH", f"{PATH}/t", change, media=media, **query)
            assert (status, found["message"]) == (422, fixed)
        _, present, _ = await call(server, "GET", f"{PATH}/t")
        present["spec"]["mode"] = "b"
        assert (await call(server, "PUT", f"{PATH}/t", present))[1]["message"] == fixed
        status, found, _ = await call(server, "PATCH", f"{PATH}/t/status", {"status": {"ready": -1}}, media=MERGE_PATCH)
        assert (status, found["details"]["causes"][0]["field"]) == (422, "status")

    story(tell)


def test_what_was_wrong_before_the_rule_is_warned_of(story):
    async def tell(server):
        free = {**SPEC, "x-kubernetes-validations": []}
        await call(server, "POST", DEFINITIONS, definition(free))
        assert (await call(server, "POST", PATH, tool(n=7)))[0] == 201
        await call(server, "PATCH", f"{DEFINITIONS}/tools.example.com", {"spec": definition()["spec"]}, media=MERGE_PATCH)
        change = {"metadata": {"labels": {"a": "b"}}}
        status, _, warnings = await call(server, "PATCH", f"{PATH}/t", change, media=MERGE_PATCH)
        assert (status, warnings) == (200, ["spec: Invalid value: no sevens"])
        status, found, _ = await call(server, "PATCH", f"{PATH}/t", {"spec": {"mode": "x"}}, media=MERGE_PATCH)
        assert (status, found["details"]["causes"][0]["message"]) == (422, "Invalid value: no sevens")

    story(tell)


def test_rules_wait_for_a_sound_object(story):
    async def tell(server):
        await call(server, "POST", DEFINITIONS, definition())
        _, found, _ = await call(server, "POST", PATH, tool(n="many"))
        assert [cause["field"] for cause in found["details"]["causes"]] == ["spec.n", "<nil>"]

    story(tell)


def test_a_rule_that_does_not_compile_is_refused(story):
    async def tell(server):
        wrong = {**SPEC, "x-kubernetes-validations": [{"rule": "self.m < 3"}, {"rule": "self.n"}]}
        status, found, _ = await call(server, "POST", DEFINITIONS, definition(wrong))
        at = "spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations"
        assert status == 422
        assert [cause["field"] for cause in found["details"]["causes"]] == [f"{at}[0].rule", f"{at}[1].rule"]
        first, second = (cause["message"] for cause in found["details"]["causes"])
        assert first.endswith("compilation failed: ERROR: <input>:1:5: undefined field 'm'\n | self.m < 3\n | ....^")
        assert second.endswith("cel expression must evaluate to a bool")

    story(tell)


def test_patterns_are_linear(story):
    async def tell(server):
        slow = {"type": "object", "properties": {"code": {"type": "string", "pattern": "^(a+)+$"}}}
        await call(server, "POST", DEFINITIONS, definition(slow))
        status, found, _ = await call(server, "POST", PATH, tool(code="a" * 50_000 + "!"))
        assert (status, found["details"]["causes"][0]["field"]) == (422, "spec.code")
        bad = {"type": "object", "properties": {"code": {"type": "string", "pattern": "(?=a)"}}}
        _, found, _ = await call(server, "PUT", f"{DEFINITIONS}/tools.example.com", definition(bad))
        assert "must be a valid regular expression, but isn't: error parsing regexp: " in found["message"]

    story(tell)
