"""A pod's sandbox as the CRI's PodSandboxConfig: names, DNS, ports, namespaces, cgroup. Pure.

https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from corral.api.objects import Object
from corral.api.sysctls import dotted
from corral.node.config import NodeConfig
from corral.node.cri.runtime import POD_UID_LABEL
from corral.node.resources import pod_cgroup
from corral.node.spec.security import namespaces, security_profile

POD_NAME_LABEL = "io.kubernetes.pod.name"
POD_NAMESPACE_LABEL = "io.kubernetes.pod.namespace"
CONTAINER_NAME_LABEL = "io.kubernetes.container.name"
#: Whose sandbox it is, where several agents share a runtime.
CLUSTER_ANNOTATION = "corral.dev/cluster"
HOSTNAME_LIMIT_CHARS = 63
SEARCH_LIMIT = 32
NAMESERVER_LIMIT = 3


def sandbox_config(pod: Object, config: NodeConfig, attempt: int, resolv_conf: str) -> dict[str, Any]:
    """The PodSandboxConfig. `resolv_conf` is the text of the host's resolver configuration."""
    meta, spec = pod["metadata"], pod["spec"]
    namespace, uid = meta.get("namespace", ""), meta["uid"]
    names = {POD_NAME_LABEL: meta["name"], POD_NAMESPACE_LABEL: namespace, POD_UID_LABEL: uid}
    security = spec.get("securityContext") or {}
    context: dict[str, Any] = {"namespace_options": namespaces(pod), "privileged": _privileged(pod)}
    if security.get("runAsUser") is not None:
        context["run_as_user"] = {"value": security["runAsUser"]}
    if security.get("runAsGroup") is not None and security.get("runAsUser") is not None:
        context["run_as_group"] = {"value": security["runAsGroup"]}
    groups = [*([security["fsGroup"]] if security.get("fsGroup") is not None else []), *security.get("supplementalGroups", ())]
    if groups:
        context["supplemental_groups"] = groups
    if security.get("supplementalGroupsPolicy"):
        context["supplemental_groups_policy"] = security["supplementalGroupsPolicy"]
    # The sandbox's own process only waits. Where the containers cannot see it, a filter of its system calls protects nobody,
    # and making one takes a sixth of the sandbox's time.
    default = "RuntimeDefault" if pod["spec"].get("shareProcessNamespace") else "Unconfined"
    context["seccomp"] = security_profile(security.get("seccompProfile"), default=default)
    linux: dict[str, Any] = {"cgroup_parent": pod_cgroup(config.cgroup_root, pod), "security_context": context}
    if security.get("sysctls"):
        # Both ways of writing a name are allowed; the runtime knows one.
        linux["sysctls"] = {dotted(s["name"]): s["value"] for s in security["sysctls"]}
    made: dict[str, Any] = {
        "metadata": {"name": meta["name"], "uid": uid, "namespace": namespace, "attempt": attempt},
        "log_directory": str(config.pod_log_dir(namespace, meta["name"], uid)),
        "labels": {**(meta.get("labels") or {}), **names},
        "annotations": {**(meta.get("annotations") or {}), CLUSTER_ANNOTATION: config.name},
        "linux": linux,
    }
    if not spec.get("hostNetwork"):
        made["hostname"] = hostname(pod, config.cluster_domain)
        if ports := port_mappings(pod):
            made["port_mappings"] = ports
    made["dns_config"] = dns_config(pod, config, resolv_conf)
    return made


def hostname(pod: Object, cluster_domain: str) -> str:
    """What the pod calls itself."""
    spec = pod["spec"]
    if spec.get("hostnameOverride"):
        return str(spec["hostnameOverride"])
    name = str(spec.get("hostname") or pod["metadata"]["name"])[:HOSTNAME_LIMIT_CHARS].rstrip("-.")
    if spec.get("setHostnameAsFQDN") and spec.get("subdomain"):
        return f"{name}.{domain(pod, cluster_domain)}"
    return name


def domain(pod: Object, cluster_domain: str) -> str:
    """The DNS domain of a pod with a subdomain; '' without one."""
    subdomain = pod["spec"].get("subdomain")
    return f"{subdomain}.{pod['metadata'].get('namespace', '')}.svc.{cluster_domain}" if subdomain else ""


def port_mappings(pod: Object) -> list[dict[str, Any]]:
    """The ports of the host that lead to the pod."""
    found = []
    inits = [c for c in pod["spec"].get("initContainers") or () if c.get("restartPolicy") == "Always"]
    for container in (*inits, *pod["spec"]["containers"]):
        for port in container.get("ports") or ():
            if port.get("hostPort"):
                entry = {
                    "protocol": port.get("protocol") or "TCP",
                    "container_port": port["containerPort"],
                    "host_port": port["hostPort"],
                }
                found.append(entry | ({"host_ip": port["hostIP"]} if port.get("hostIP") else {}))
    return found


def dns_config(pod: Object, config: NodeConfig, resolv_conf: str) -> dict[str, Any]:
    """Servers, search domains and options by the pod's dnsPolicy and dnsConfig."""
    spec = pod["spec"]
    policy = spec.get("dnsPolicy") or "ClusterFirst"
    host = parse_resolv_conf(resolv_conf)
    if policy == "ClusterFirst" and spec.get("hostNetwork"):
        policy = "Default"
    if policy in ("ClusterFirst", "ClusterFirstWithHostNet") and config.cluster_dns_ip:
        namespace, cluster = pod["metadata"].get("namespace", ""), config.cluster_domain
        searches = [f"{namespace}.svc.{cluster}", f"svc.{cluster}", cluster]
        made = {"servers": [config.cluster_dns_ip], "searches": [*searches, *host["searches"]], "options": ["ndots:5"]}
    elif policy == "None":
        made = {"servers": [], "searches": [], "options": []}
    else:
        made = host
    extra = spec.get("dnsConfig") or {}
    servers = [*made["servers"], *extra.get("nameservers", ())]
    searches = [*made["searches"], *extra.get("searches", ())]
    options = {option.partition(":")[0]: option for option in made["options"]}
    for option in extra.get("options") or ():
        value = option.get("value")
        options[option["name"]] = option["name"] if value is None else f"{option['name']}:{value}"
    return {
        "servers": list(dict.fromkeys(servers))[:NAMESERVER_LIMIT],
        "searches": list(dict.fromkeys(searches))[:SEARCH_LIMIT],
        "options": list(options.values()),
    }


def parse_resolv_conf(text: str) -> dict[str, list[str]]:
    """Servers, searches and options of resolv.conf(5)."""
    made: dict[str, list[str]] = {"servers": [], "searches": [], "options": []}
    for line in text.splitlines():
        words = line.split("#")[0].split(";")[0].split()
        if len(words) < 2:
            continue
        if words[0] == "nameserver":
            made["servers"].append(words[1])
        elif words[0] == "search":
            made["searches"] = [word.rstrip(".") or "." for word in words[1:]]
        elif words[0] == "options":
            made["options"] = words[1:]
    made["searches"] = [word for word in made["searches"] if word != "."]
    return made


def hosts_file(pod: Object, config: NodeConfig, pod_ips: Sequence[str], host_hosts: str) -> str:
    """The text of the pod's /etc/hosts. `host_hosts` is that of the host, for pods on its network."""
    spec = pod["spec"]
    if spec.get("hostNetwork"):
        lines = ["# Kubernetes-managed hosts file (host network).", host_hosts.rstrip("\n")]
    else:
        lines = [
            "# Kubernetes-managed hosts file.",
            "127.0.0.1\tlocalhost",
            "::1\tlocalhost ip6-localhost ip6-loopback",
            "fe00::\tip6-localnet",
            "fe00::\tip6-mcastprefix",
            "fe00::1\tip6-allnodes",
            "fe00::2\tip6-allrouters",
        ]
        name, suffix = hostname(pod, config.cluster_domain).partition(".")[0], domain(pod, config.cluster_domain)
        for ip in pod_ips:
            lines.append(f"{ip}\t{name}.{suffix}\t{name}" if suffix else f"{ip}\t{name}")
    if spec.get("hostAliases"):
        lines += ["", "# Entries added by HostAliases."]
        lines += ["\t".join([alias["ip"], *alias.get("hostnames", ())]) for alias in spec["hostAliases"]]
    return "\n".join(lines) + "\n"


def read_resolv_conf(path: Path) -> str:
    """The host's resolver configuration; systemd-resolved's real one where the file only names its stub."""
    real = Path("/run/systemd/resolve/resolv.conf")
    try:
        text = path.read_text()
        return real.read_text() if "127.0.0.53" in text and real.exists() else text
    except OSError:
        return ""


def _privileged(pod: Object) -> bool:
    containers = [c for n in ("containers", "initContainers") for c in pod["spec"].get(n) or ()]
    return any((c.get("securityContext") or {}).get("privileged") for c in containers)
