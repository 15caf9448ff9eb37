"""Roles and bindings."""

import copy

from corral.api.kinds import rules

GROUP = "rbac.authorization.k8s.io"


def faults(kind, obj, old=None):
    found = rules(GROUP, kind)
    errors = found.validate_create(obj) if old is None else found.validate_update(obj, old, "")
    return [str(e) for e in errors.items]


def binding(kind="RoleBinding", **fields):
    obj = {"metadata": {"name": "b"}, "roleRef": {"kind": "ClusterRole", "name": "view"}, **fields}
    rules(GROUP, kind).default(obj)
    return obj


def test_a_rule_has_verbs_groups_and_resources():
    assert faults("Role", {"metadata": {"name": "r"}, "rules": [{}]}) == [
        "rules[0].verbs: Required value: verbs must contain at least one value",
        "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
        "rules[0].resources: Required value: resource rules must supply at least one resource",
    ]


def test_urls_are_for_cluster_roles():
    role = {"metadata": {"name": "r"}, "rules": [{"verbs": ["get"], "nonResourceURLs": ["/healthz"]}]}
    assert faults("ClusterRole", role) == []
    assert faults("Role", role) == [
        'rules[0].nonResourceURLs: Invalid value: ["/healthz"]: namespaced rules cannot apply to non-resource URLs'
    ]


def test_users_and_groups_are_of_rbacs_own_group():
    obj = binding(subjects=[{"kind": "User", "name": "ann"}, {"kind": "ServiceAccount", "name": "a", "namespace": "n"}])
    assert obj["roleRef"]["apiGroup"] == obj["subjects"][0]["apiGroup"] == GROUP
    assert "apiGroup" not in obj["subjects"][1]
    assert faults("RoleBinding", obj) == []


def test_a_cluster_binding_is_to_a_cluster_role():
    obj = binding(
        "ClusterRoleBinding", roleRef={"kind": "Role", "name": "r"}, subjects=[{"kind": "ServiceAccount", "name": "a"}]
    )
    assert faults("ClusterRoleBinding", obj) == [
        'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
        "subjects[0].namespace: Required value",
    ]


def test_the_role_of_a_binding_stays():
    old = binding()
    new = copy.deepcopy(old)
    new["roleRef"]["name"] = "admin"
    (fault,) = faults("RoleBinding", new, old)
    assert fault.startswith("roleRef: Invalid value: ") and fault.endswith(": cannot change roleRef")


def test_rows():
    obj = binding(
        subjects=[
            {"kind": "User", "name": "ann"},
            {"kind": "Group", "name": "dev"},
            {"kind": "ServiceAccount", "name": "a", "namespace": "n"},
        ]
    )
    obj["metadata"]["creationTimestamp"] = "1970-01-01T00:00:00Z"
    assert rules(GROUP, "RoleBinding").cells(obj, 5) == ["b", "ClusterRole/view", "5s", "ann", "dev", "n/a"]
