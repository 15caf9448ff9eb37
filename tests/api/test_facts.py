"""The generated facts: what is served and what the fields are."""

from corral.api import facts


def test_the_catalog_knows_plurals_scopes_verbs_and_subresources() -> None:
    catalog = facts.catalog()
    pods = catalog.named("pods")
    assert (pods.kind, pods.namespaced, pods.short_names, pods.categories) == ("Pod", True, ("po",), ("all",))
    assert "watch" in pods.verbs
    assert ("eviction", ("create",), "policy", "v1", "Eviction") in pods.subresources
    assert ("status", ("get", "patch", "update"), "", "", "Pod") in pods.subresources
    assert not catalog.named("nodes").namespaced


def test_the_first_version_of_a_group_is_the_preferred_one() -> None:
    assert facts.catalog().named("horizontalpodautoscalers.autoscaling").version == "v2"


def test_catalogs_do_not_share_what_is_added() -> None:
    catalog = facts.catalog()
    catalog.remove(catalog.named("pods"))
    assert facts.catalog().at("", "v1", "pods") is not None


def test_every_resource_has_a_type() -> None:
    for resource in facts.catalog():
        assert facts.schema(resource.group, resource.version, resource.kind).fields, resource


def test_every_type_can_be_read() -> None:
    seen: set[str] = set()
    waiting = [facts.schema(r.group, r.version, r.kind) for r in facts.catalog()]
    while waiting:
        type_ = waiting.pop()
        if type_.item is not None:
            waiting.append(type_.item)
        elif type_.name not in seen:
            seen.add(type_.name)
            waiting += [field.type for field in type_.fields.values()]
    assert len(seen) > 500


def test_lists_know_their_keys_and_strategies() -> None:
    spec = facts.named("core.v1.PodSpec").fields
    assert spec["containers"].required
    assert (spec["containers"].list_type, spec["containers"].map_keys) == ("map", ("name",))
    assert (spec["volumes"].patch_strategy, spec["volumes"].merge_key) == (("merge", "retainKeys"), "name")
    assert (spec["tolerations"].list_type, spec["tolerations"].atomic) == ("atomic", True)
    ports = facts.named("core.v1.Container").fields["ports"]
    assert (ports.map_keys, ports.merge_key) == (("containerPort", "protocol"), "containerPort")
    assert ports.type.item is not None
    assert ports.type.item.fields["protocol"].default == "TCP"


def test_an_atomic_definition_makes_its_fields_atomic() -> None:
    assert facts.named("apps.v1.DeploymentSpec").fields["selector"].atomic


def test_go_names_are_those_of_messages() -> None:
    assert facts.schema("", "v1", "ConfigMap").fields["binaryData"].type.go == "map[string][]uint8"
    assert facts.named("core.v1.PodSpec").fields["containers"].type.go == "[]v1.Container"
