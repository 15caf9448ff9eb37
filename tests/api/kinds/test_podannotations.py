"""Profiles of seccomp and AppArmor in annotations, beside the fields that came after them."""

import pytest

from corral.api.kinds import rules

POD, DEPLOYMENT = rules("", "Pod"), rules("apps", "Deployment")
SECCOMP = "seccomp.security.alpha.kubernetes.io/pod"
OF_A = "container.seccomp.security.alpha.kubernetes.io/a"
APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/a"


def faults(annotations, container=None, **spec):
    obj = {"metadata": {"name": "p", "namespace": "n", "annotations": annotations}}
    obj["spec"] = {"containers": [{"name": "a", "image": "i:1", "securityContext": container or {}}], **spec}
    POD.default(obj)
    return [str(error) for error in POD.validate_create(obj).items]


@pytest.mark.parametrize("profile", ["runtime/default", "docker/default", "unconfined", "localhost/a.json"])
def test_profiles_that_are_known(profile):
    assert faults({SECCOMP: profile, OF_A: profile}) == []


@pytest.mark.parametrize(
    ("annotations", "fault"),
    [
        ({SECCOMP: "mine"}, f'metadata.annotations.{SECCOMP}: Invalid value: "mine": must be a valid seccomp profile'),
        ({OF_A: "localhost/../x"}, f"metadata.annotations.{OF_A}: Invalid value: \"../x\": must not contain '..'"),
        (
            {APP_ARMOR: "mine"},
            f'metadata.annotations[{APP_ARMOR}]: Invalid value: "mine": invalid AppArmor profile name: "mine"',
        ),
        (
            {APP_ARMOR[:-1] + "b": "unconfined"},
            f'metadata.annotations[{APP_ARMOR[:-1]}b]: Invalid value: "b": container not found',
        ),
    ],
)
def test_profiles_that_are_none(annotations, fault):
    assert fault in faults(annotations)


def test_annotations_and_fields_say_the_same():
    local = {"seccompProfile": {"type": "Localhost", "localhostProfile": "a"}}
    at = "spec.securityContext.seccompProfile"
    assert faults({SECCOMP: "localhost/a"}, securityContext=local) == []
    assert faults({SECCOMP: "localhost/b"}, securityContext=local) == [
        f"{at}.localhostProfile: Forbidden: seccomp profile in annotation and field must match"
    ]
    assert faults({SECCOMP: "unconfined"}, securityContext={"seccompProfile": {"type": "RuntimeDefault"}}) == [
        f"{at}.type: Forbidden: seccomp type in annotation and field must match"
    ]
    assert faults({APP_ARMOR: "unconfined"}, {"appArmorProfile": {"type": "RuntimeDefault"}}) == [
        "spec.containers[0].securityContext.appArmorProfile.type: Forbidden: apparmor type in annotation and field must match"
    ]


def test_templates_have_them_too():
    template = {"metadata": {"labels": {"a": "b"}, "annotations": {SECCOMP: "mine"}}, "spec": {"containers": [{"name": "a"}]}}
    obj = {"metadata": {"name": "d"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}}
    DEPLOYMENT.default(obj)
    told = [str(error) for error in DEPLOYMENT.validate_create(obj).items]
    assert f'spec.template.annotations.{SECCOMP}: Invalid value: "mine": must be a valid seccomp profile' in told
