"""CustomResourceDefinitions and their schemas."""

import pytest

from corral.api.kinds import rules
from corral.api.rules import Context

CRD = rules("apiextensions.k8s.io", "CustomResourceDefinition")
AT = "spec.validation.openAPIV3Schema"


def made(schema=None, version=None, **spec):
    one = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema or {"type": "object"}}}
    whole = {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "things", "kind": "Thing"},
        "versions": [{**one, **(version or {})}],
        **spec,
    }
    obj = {"metadata": {"name": "things.example.com"}, "spec": whole}
    CRD.default(obj)
    return obj


def faults(*args, **spec):
    return [str(e) for e in CRD.validate_create(made(*args, **spec)).items]


def spec_of(**properties):
    return {"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}}


def test_names_are_made_from_the_kind():
    spec = made()["spec"]
    assert (spec["names"]["singular"], spec["names"]["listKind"]) == ("thing", "ThingList")
    assert spec["conversion"] == {"strategy": "None"}
    assert faults() == []


def test_the_stored_version_is_noted():
    obj = made()
    CRD.prepare_create(obj, Context(0.0))
    assert obj["status"]["storedVersions"] == ["v1"]


def test_the_name_is_plural_and_group():
    obj = made(group="other.com")
    assert [str(e) for e in CRD.validate_create(obj).items] == [
        'metadata.name: Invalid value: "things.example.com": must be spec.names.plural+"."+spec.group'
    ]


def test_a_version_is_a_label_and_one_is_stored():
    wrong = faults(version={"name": "V1", "storage": False})
    assert wrong[0].startswith('spec.versions[0].name: Invalid value: "V1": a DNS-1035 label')
    assert wrong[1].endswith("must have exactly one version marked as storage version")
    assert wrong[2].startswith('spec.version: Invalid value: "V1": a DNS-1035 label')


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({}, ".type: Required value: must not be empty at the root"),
        ({"type": "string"}, '.type: Invalid value: "string": must be object at the root'),
        (spec_of(a={"type": "array"}), ".properties[spec].properties[a].items: Required value: must be specified"),
        (spec_of(a={}), ".properties[spec].properties[a].type: Required value: must not be empty for specified object fields"),
        (
            {"type": "object", "anyOf": [{"type": "object"}]},
            ".anyOf[0].type: Forbidden: must be empty to be structural",
        ),
        (
            {"type": "object", "properties": {"metadata": {"type": "object", "properties": {"labels": {"type": "object"}}}}},
            ".properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is"
            " implicitly specified",
        ),
        ({"type": "object", "uniqueItems": True}, ".uniqueItems: Forbidden: uniqueItems cannot be set to true since"),
        ({"type": "object", "x-kubernetes-list-type": "set"}, '.type: Invalid value: "object": must be array if'),
    ],
)
def test_a_schema_is_structural(schema, why):
    assert faults({**schema, "description": "any"})[0].startswith(AT + why)


def test_int_or_string_may_say_so_in_the_usual_way():
    both = {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}
    assert faults(spec_of(a=both)) == []


def test_defaults_are_as_the_schema_says():
    assert faults(spec_of(a={"type": "string", "default": 5})) == [
        f'{AT}.properties[spec].properties[a].default: Invalid value: "integer":  in body must be of type string: "integer"'
    ]


def test_rules_speak_of_what_the_schema_has():
    schema = spec_of(size={"type": "integer"})
    schema["properties"]["spec"]["x-kubernetes-validations"] = [{"rule": "self.siz < 1"}]
    assert faults(schema) == [
        f'{AT}.properties[spec].x-kubernetes-validations[0].rule: Invalid value: {{"Rule":"self.siz \\u003c 1","Message":"",'
        '"MessageExpression":"","Reason":null,"FieldPath":"","OptionalOldSelf":null}: compilation failed: ERROR:'
        " <input>:1:5: undefined field 'siz'\n | self.siz < 1\n | ....^"
    ]


def test_rules_at_the_root_know_the_name():
    schema = {**spec_of(), "x-kubernetes-validations": [{"rule": "self.metadata.name != ''"}]}
    assert faults(schema) == []


def test_keys_of_a_list_map_are_required_properties():
    items = {"type": "object", "properties": {"name": {"type": "string"}}}
    a_list = {"type": "array", "items": items, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name", "x"]}
    assert faults(spec_of(a=a_list)) == [
        f"{AT}.properties[spec].properties[a].items.properties[name].default: Required value: this property is in"
        " x-kubernetes-list-map-keys, so it must have a default or be a required property",
        f'{AT}.properties[spec].properties[a].x-kubernetes-list-map-keys[1]: Invalid value: "x": entries must all be names of'
        " item properties",
    ]


def test_group_and_plural_stay():
    old, new = made(), made()
    new["status"] = {"storedVersions": ["v1"]}
    new["spec"]["names"]["plural"] = "stuff"
    assert [str(e) for e in CRD.validate_update(new, old, "").items] == [
        'spec.names.plural: Invalid value: "stuff": field is immutable'
    ]


def test_where_the_scale_is():
    scale = {"specReplicasPath": ".status.n", "statusReplicasPath": "n"}
    assert faults(version={"subresources": {"scale": scale}}) == [
        'spec.subresources.scale.specReplicasPath: Invalid value: ".status.n": should be a json path under .spec',
        'spec.subresources.scale.statusReplicasPath: Invalid value: "n": must be a simple json path starting with .',
    ]


def test_rules_are_read_where_nothing_else_is_wrong():
    schema = spec_of(size={"type": "integer", "uniqueItems": True})
    schema["properties"]["spec"]["x-kubernetes-validations"] = [{"rule": "nothing"}]
    (wrong,) = faults(schema)
    assert wrong.startswith(f"{AT}.properties[spec].properties[size].uniqueItems: Forbidden")


def test_rules_are_not_read_where_the_structure_is_wrong():
    schema = spec_of(size={})
    schema["properties"]["spec"]["x-kubernetes-validations"] = [{"rule": "self.size < 1"}]
    assert faults(schema) == [
        f"{AT}.properties[spec].properties[size].type: Required value: must not be empty for specified object fields"
    ]


def test_with_a_status_the_root_is_an_object():
    wrong = faults({"type": "array", "items": {"type": "string"}}, version={"subresources": {"status": {}}})
    assert wrong == [
        f'{AT}.type: Invalid value: "array": only "object" is allowed as the type at the root of the schema if the status'
        " subresource is enabled",
        f'{AT}.type: Invalid value: "array": must be object at the root',
    ]


def test_conversion_is_by_a_webhook_or_not_at_all():
    client = {"clientConfig": {"url": "https://example.com/x"}}
    assert faults(conversion={"strategy": "None", "webhook": {**client, "conversionReviewVersions": ["v1"]}}) == [
        "spec.conversion.webhookClientConfig: Forbidden: should not be set when strategy is not set to Webhook",
        "spec.conversion.conversionReviewVersions: Forbidden: should not be set when strategy is not set to Webhook",
    ]
    assert faults(conversion={"strategy": "Webhook", "webhook": {"conversionReviewVersions": ["v1", "v1"]}}) == [
        "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook",
        'spec.conversion.conversionReviewVersions[1]: Invalid value: "v1": duplicate version',
    ]
    assert faults(conversion={"strategy": "Webhook", "webhook": {**client, "conversionReviewVersions": ["v1"]}}) == []


def test_only_deprecated_versions_warn():
    assert faults(version={"deprecationWarning": "old"}) == [
        'spec.versions[0].deprecationWarning: Invalid value: "old": can only be set for deprecated versions'
    ]
    assert faults(version={"deprecated": True, "deprecationWarning": "old"}) == []


def with_rule(schema, *rules):
    return {**schema, "x-kubernetes-validations": list(rules)}


HOW = (
    "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)"
)


def test_rules_must_not_cost_too_much():
    numbers = {"type": "array", "items": {"type": "integer"}}
    costly = with_rule(numbers, {"rule": "self.all(a, self.all(b, a == b))"})
    at = f"{AT}.properties[spec].properties[l].x-kubernetes-validations[0].rule"
    assert faults(spec_of(l=costly)) == [
        f"{at}: Forbidden: estimated rule cost exceeds budget by factor of more than 100x {HOW}",
        f"{at}: Forbidden: contributed to estimated rule & messageExpression cost total exceeding cost limit",
        f"{AT}: Forbidden: x-kubernetes-validations estimated rule & messageExpression cost total for entire OpenAPIv3 schema"
        f" exceeds budget by factor of more than 100x {HOW}",
    ]
    assert faults(spec_of(l={**costly, "maxItems": 100})) == []


def test_a_rule_of_an_item_is_counted_for_each():
    item = with_rule({"type": "object", "properties": {"a": {"type": "string"}}}, {"rule": "self.a.contains('keyword')"})
    found = faults(spec_of(l={"type": "array", "items": item}))
    assert [fault.partition(": ")[0] for fault in found][-1] == AT
    assert faults(spec_of(l={"type": "array", "items": item, "maxItems": 5})) == []


def test_what_has_no_old_value_can_not_speak_of_it():
    item = with_rule({"type": "string", "maxLength": 5}, {"rule": "self == oldSelf"})
    a_list = {"type": "array", "items": {"type": "array", "items": item, "maxItems": 5}, "maxItems": 5}
    at = f"{AT}.properties[spec].properties[l].items"
    assert faults(spec_of(l=a_list)) == [
        f'{at}.items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the'
        f" uncorrelatable portion of the schema within {at}"
    ]


@pytest.mark.parametrize(
    ("rule", "where", "why"),
    [
        ({"rule": " "}, "rule", "Required value: rule is not specified"),
        ({"rule": "true", "message": "a\nb"}, "message", 'Invalid value: "a\\nb": message must not contain line breaks'),
        ({"rule": "true &&\ntrue"}, "message", "Required value: message must be specified if rule contains line breaks"),
        (
            {"rule": "true", "messageExpression": " "},
            "messageExpression",
            "Required value: messageExpression must be non-empty",
        ),
        ({"rule": "true", "reason": "Bad"}, "reason", 'Unsupported value: "Bad": supported values: "FieldValueDuplicate"'),
        (
            {"rule": "true", "fieldPath": ".x"},
            "fieldPath",
            'Invalid value: ".x": fieldPath must be a valid path: does not refer',
        ),
        (
            {"rule": "true", "optionalOldSelf": True},
            "optionalOldSelf",
            "Invalid value: true: may not be set if oldSelf is not used",
        ),
    ],
)
def test_the_parts_of_a_rule(rule, where, why):
    schema = spec_of(a={"type": "string"})
    schema["properties"]["spec"] = with_rule(schema["properties"]["spec"], rule)
    found = faults(schema)
    assert found[0].startswith(f"{AT}.properties[spec].x-kubernetes-validations[0].{where}: {why}")


def test_versions_that_objects_are_stored_in_stay():
    old, new = made(), made()
    new["status"] = {"storedVersions": ["v0", "v1"]}
    assert [str(error) for error in CRD.validate_update(new, old, "").items] == [
        'status.storedVersions[0]: Invalid value: "v0": missing from spec.versions; v0 was previously a storage version, and'
        " must remain in spec.versions until a storage migration ensures no data remains persisted in v0 and removes v0 from"
        " status.storedVersions"
    ]
    new["status"] = {"storedVersions": []}
    assert [str(error) for error in CRD.validate_update(new, old, "status").items] == [
        "status.storedVersions: Invalid value: []: must have at least one stored version"
    ]
    new["status"] = {"storedVersions": ["v2"]}
    assert str(CRD.validate_update(new, old, "status").items[0]).endswith("must have the storage version v1")
