"""Names, conditions and versions of definitions, without a server."""

from corral.api import definitions
from corral.api.definitions import priority, with_names


def definition(plural, kind, *, group="example.com", accepted=False, **names):
    given = {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List", **names}
    made = {"metadata": {"name": f"{plural}.{group}"}, "spec": {"group": group, "names": given, "scope": "Cluster"}}
    return {**made, "status": {"acceptedNames": given}} if accepted else made


def reason(status, type_):
    return next(one["reason"] for one in status["conditions"] if one["type"] == type_)


def test_versions_in_the_order_of_preference():
    versions = ["foo1", "v1alpha1", "v2beta1", "v10", "v1", "v2", "v11alpha2", "v1beta1", "foo10", "v3beta1"]
    wanted = ["v10", "v2", "v1", "v3beta1", "v2beta1", "v1beta1", "v11alpha2", "v1alpha1", "foo1", "foo10"]
    assert sorted(versions, key=priority) == wanted


def test_free_names_are_granted():
    status = with_names(definition("tools", "Tool", categories=["all"]), [definition("others", "Other", accepted=True)], 0)
    assert status["acceptedNames"]["categories"] == ["all"]
    assert (reason(status, "NamesAccepted"), reason(status, "Established")) == ("NoConflicts", "Installing")


def test_names_of_others_are_refused_and_the_rest_granted():
    other = definition("tools", "Tool", accepted=True)
    status = with_names(definition("implements", "Tool", shortNames=["tool"]), [other], 0)
    assert reason(status, "NamesAccepted") == "ListKindConflict"
    assert status["acceptedNames"]["plural"] == "implements"
    assert status["acceptedNames"]["kind"] == ""
    assert reason(status, "Established") == "NotAccepted"


def test_other_groups_have_names_of_their_own():
    other = definition("tools", "Tool", group="example.org", accepted=True)
    assert reason(with_names(definition("tools", "Tool"), [other], 0), "NamesAccepted") == "NoConflicts"


def test_granted_names_stay_granted():
    mine = definition("tools", "Tool", accepted=True)
    status = with_names(mine, [mine, definition("tools", "Tool", accepted=True)], 0)
    again = with_names({**mine, "status": status}, [mine], 99)
    assert again == status


def test_protected_groups_tell_who_approved_them():
    mine = definition("gateways", "Gateway", group="gateway.networking.k8s.io")
    assert reason(with_names(mine, [], 0), "KubernetesAPIApprovalPolicyConformant") == "MissingAnnotation"
    mine["metadata"]["annotations"] = {definitions.APPROVED: "https://example.com/1"}
    assert reason(with_names(mine, [], 0), "KubernetesAPIApprovalPolicyConformant") == "ApprovedAnnotation"


def test_the_time_of_a_condition_moves_with_its_status():
    first = definitions.with_condition([], "A", "True", "R", "m", 0)
    same = definitions.with_condition(first, "A", "True", "Other", "n", 60)
    assert same[0]["lastTransitionTime"] == first[0]["lastTransitionTime"]
    assert definitions.with_condition(same, "A", "False", "R", "m", 60)[0]["lastTransitionTime"] == "1970-01-01T00:01:00Z"
