"""What may be wrong with a pod's spec, one fault a case: the text is what `kubectl` shows."""

import pytest

from corral.api.fields import Errors, Path
from corral.api.kinds.podspec import check_pod_spec, check_template, default_pod_spec, default_template


def faults(**spec):
    spec = {"containers": [{"name": "a", "image": "i"}], **spec}
    default_pod_spec(spec)
    errs = Errors()
    check_pod_spec(errs, spec, Path("spec"), "p")
    return [str(e) for e in errs.items]


def container(**fields):
    return faults(containers=[{"name": "a", "image": "i", **fields}])


def volume(**source):
    return faults(volumes=[{"name": "v", **source}])


QUALIFIED = "name part must be non-empty"


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"ports": [{"containerPort": 0}]}, "ports[0].containerPort: Required value"),
        (
            {"ports": [{"containerPort": 70000}]},
            "ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
        ),
        (
            {"ports": [{"containerPort": 1, "protocol": "ICMP"}]},
            'ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"',
        ),
        ({"env": [{"value": "x"}]}, "env[0].name: Required value"),
        (
            {"env": [{"name": "A", "value": "b", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]},
            'env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.nothing"}}}]},
            'env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.nothing": error converting fieldPath: field label not'
            " supported: spec.nothing",
        ),
        (
            {"envFrom": [{}]},
            'envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`',
        ),
        (
            {"imagePullPolicy": "Often"},
            'imagePullPolicy: Unsupported value: "Often": supported values: "Always", "IfNotPresent", "Never"',
        ),
        (
            {"livenessProbe": {"tcpSocket": {"port": 1}, "successThreshold": 2}},
            "livenessProbe.successThreshold: Invalid value: 2: must be 1",
        ),
        ({"startupProbe": {}}, "startupProbe: Required value: must specify a handler type"),
        (
            {"lifecycle": {"preStop": {"sleep": {"seconds": 31}}}},
            "lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)",
        ),
        (
            {"resources": {"limits": {"gpu": "1"}}},
            'resources.limits[gpu]: Invalid value: "gpu": must be a standard resource type or fully qualified',
        ),
        (
            {"resources": {"limits": {"example.com/gpu": "500m"}, "requests": {"example.com/gpu": "500m"}}},
            'resources.limits[example.com/gpu]: Invalid value: "500m": must be an integer',
        ),
        (
            {"resources": {"requests": {"cpu": "-1"}}},
            'resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0',
        ),
        (
            {"securityContext": {"runAsUser": -1}},
            "securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive",
        ),
        (
            {"securityContext": {"seccompProfile": {"type": "Localhost"}}},
            "securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost",
        ),
    ],
)
def test_faults_of_a_container(fields, fault):
    assert f"spec.containers[0].{fault}" in container(**fields)


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ({"hostPath": {"path": ""}}, "hostPath.path: Required value"),
        ({"hostPath": {"path": "/a/../b"}}, "hostPath.path: Invalid value: \"/a/../b\": must not contain '..'"),
        ({"secret": {}}, "secret.secretName: Required value"),
        (
            {"configMap": {"name": "c", "items": [{"key": "k", "path": "/abs"}]}},
            'configMap.items[0].path: Invalid value: "/abs": must be a relative path',
        ),
        (
            {"configMap": {"name": "c", "defaultMode": 512}},
            "configMap.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive",
        ),
        ({"persistentVolumeClaim": {}}, "persistentVolumeClaim.claimName: Required value"),
        ({"nfs": {"server": "s", "path": "rel"}}, 'nfs.path: Invalid value: "rel": must be an absolute path'),
        (
            {"projected": {"sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 5}}]}},
            "projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 5: may not specify a duration less"
            " than 10 minutes",
        ),
        (
            {"ephemeral": {"volumeClaimTemplate": {"spec": {}}}},
            "ephemeral.volumeClaimTemplate.spec.accessModes: Required value: at least 1 access mode is required",
        ),
        ({"csi": {}}, "csi.driver: Required value"),
    ],
)
def test_faults_of_a_volume(source, fault):
    assert f"spec.volumes[0].{fault}" in volume(**source)


AFFINITY = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{}]}}


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ({"restartPolicy": "x"}, 'restartPolicy: Unsupported value: "x": supported values: "Always", "OnFailure", "Never"'),
        ({"nodeSelector": {"": "a"}}, f'nodeSelector: Invalid value: "": {QUALIFIED}'),
        (
            {"affinity": AFFINITY},
            "affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Required value: can not"
            " be empty",
        ),
        (
            {"tolerations": [{"operator": "Equal"}]},
            'tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means'
            ' "match all values and all keys"',
        ),
        (
            {"topologySpreadConstraints": [{"maxSkew": 0, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule"}]},
            "topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero",
        ),
        ({"dnsPolicy": "None"}, "dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"),
        (
            {"dnsConfig": {"nameservers": ["x"]}},
            'dnsConfig.nameservers[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
        ),
        ({"hostname": "a.b"}, 'hostname: Invalid value: "a.b": must not contain dots'),
        ({"activeDeadlineSeconds": 0}, "activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"),
        ({"os": {"name": "plan9"}}, 'os: Unsupported value: "plan9": supported values: "linux", "windows"'),
        (
            {"os": {"name": "windows"}, "securityContext": {"runAsUser": 1}},
            "securityContext.runAsUser: Forbidden: cannot be set for a windows pod",
        ),
        ({"hostUsers": False, "hostNetwork": True}, "hostNetwork: Forbidden: when `hostUsers` is false"),
        (
            {"initContainers": [{"name": "a", "image": "i"}]},
            'initContainers[0].name: Duplicate value: "a"',
        ),
        (
            {"initContainers": [{"name": "b", "image": "i", "livenessProbe": {"exec": {"command": ["x"]}}}]},
            "initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always",
        ),
    ],
)
def test_faults_of_a_spec(spec, fault):
    assert f"spec.{fault}" in faults(**spec)


def test_the_first_container_is_told_of_before_the_restart_policy():
    found = faults(containers=[{"name": "", "image": "i"}], restartPolicy="x")
    assert [f.partition(":")[0] for f in found] == ["spec.containers[0].name", "spec.restartPolicy"]


def test_ephemeral_containers_are_not_for_templates():
    template = {"spec": {"containers": [{"name": "a", "image": "i"}], "ephemeralContainers": [{"name": "d", "image": "i"}]}}
    default_template(template)
    errs = Errors()
    check_template(errs, template, Path("template"))
    assert [str(e) for e in errs.items] == [
        "template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod template"
    ]


def windows(**options):
    at = "spec.securityContext.windowsOptions."
    return [text.removeprefix(at) for text in faults(securityContext={"windowsOptions": options})]


@pytest.mark.parametrize(
    ("user", "fault"),
    [
        ("", " cannot be an empty string"),
        ("a\x07", " cannot contain control characters"),
        ("a\\b\\c", " cannot contain more than one backslash"),
        ("D" * 256 + "\\a", "'s Domain length must be under 256 characters"),
        (".x\\a", "'s Domain doesn't match the NetBios nor the DNS format"),
        ("D\\", "'s User cannot be empty"),
        ("u" * 105, "'s User length must not be longer than 104 characters"),
        (" . ", "'s User cannot contain only periods or spaces"),
        ("a|b", "'s User cannot contain the following characters: \"/\\:;|=,+*?<>@[]"),
    ],
)
def test_users_of_windows(user, fault):
    told = windows(runAsUserName=user)
    assert [text for text in told if text.startswith("runAsUserName: Invalid value") and text.endswith(f"runAsUserName{fault}")]


def test_sound_users_of_windows():
    for user in ("a", "DOMAIN\\a.b", "corp.example.com\\a"):
        assert windows(runAsUserName=user) == []
    assert windows(gmsaCredentialSpec="x" * 65537)[0].endswith("gmsaCredentialSpec size must be under 64 KiB")


def test_host_processes_of_windows():
    whole = {"windowsOptions": {"hostProcess": True}}
    one = {"name": "a", "image": "i", "securityContext": {"windowsOptions": {"hostProcess": False}}}
    told = faults(securityContext=whole, containers=[one, {"name": "b", "image": "i"}])
    assert told == [
        "spec.containers[0].securityContext.windowsOptions.hostProcess: Invalid value: false: "
        "pod hostProcess value must be identical if both are specified, was true",
        'spec: Invalid value: "": If pod contains any hostProcess containers then all containers must be HostProcess containers',
        "spec.hostNetwork: Invalid value: false: hostNetwork must be true if pod contains any hostProcess containers",
    ]
    assert faults(securityContext=whole, hostNetwork=True) == []


def test_a_pod_of_windows_has_nothing_of_linux():
    told = faults(os={"name": "windows"}, hostUsers=False, hostPID=False, securityContext={"seLinuxChangePolicy": "Recursive"})
    assert told == [
        "spec.hostUsers: Forbidden: cannot be set for a windows pod",
        "spec.securityContext.seLinuxChangePolicy: Forbidden: cannot be set for a windows pod",
    ]


def test_required_nodes_have_values_that_labels_can_have():
    term = {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b!"]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    preferred = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": term}]}
    assert faults(affinity={"nodeAffinity": preferred}) == []
    [told] = faults(affinity={"nodeAffinity": required})
    assert "nodeSelectorTerms[0].matchExpressions[0].values[0]: Invalid value" in told


def test_keys_that_are_merged_are_not_selected_as_well():
    selector = {"matchLabels": {"a": "x"}, "matchExpressions": [{"key": "a", "operator": "In", "values": ["x"]}]}
    spread = {"maxSkew": 1, "topologyKey": "t", "whenUnsatisfiable": "DoNotSchedule", "matchLabelKeys": ["a"]}
    told = faults(topologySpreadConstraints=[{**spread, "labelSelector": selector}])
    why = 'Invalid value: "a": exists in both matchLabelKeys and labelSelector'
    assert told == [f"spec.topologySpreadConstraints[0][0]: {why}"]
    term = {"topologyKey": "t", "labelSelector": selector, "matchLabelKeys": ["a"]}
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    assert faults(affinity={"podAffinity": {required: [term]}}) == [f"spec.affinity.podAffinity.{required}[0][0]: {why}"]


def test_fields_of_features_that_are_off_are_dropped():
    containers = [{"name": "a", "image": "i", "lifecycle": {"stopSignal": "SIGUSR1"}}]
    containers.append({"name": "b", "image": "i", "lifecycle": {"stopSignal": "SIGUSR1", "preStop": {"sleep": {"seconds": 1}}}})
    spec = {"containers": containers, "schedulingGroup": {"podGroupName": "g"}}
    default_pod_spec(spec)
    assert "schedulingGroup" not in spec and "lifecycle" not in spec["containers"][0]
    assert spec["containers"][1]["lifecycle"] == {"preStop": {"sleep": {"seconds": 1}}}
