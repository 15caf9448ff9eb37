"""The way of packets from and to the pods of one node, and taking all of it away again.

Pods hang on routed veth pairs (the CNI plugin `ptp`), not on a bridge: packets between two pods of one node then pass the
node's IP stack, where the answer of a Service's endpoint gets its address back, without the kernel module br_netfilter.

One device a cluster holds what is the node's in the cluster's ranges: the pods' gateway, the DNS server's address, and the
route of the Service range, so that a packet that no rule takes goes nowhere, rather than out to the world.
"""

import asyncio
import json
import logging
import shutil
import socket
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from corral.base.errors import CorralError
from corral.network.config import DEVICE_PREFIX, NetworkConfig, device_name

log = logging.getLogger(__name__)

CONFLIST = "10-corral.conflist"
LEAST_PREFERRED_METRIC = 4278198272
PROC_SYS = Path("/proc/sys")
#: What is set on the host. The values it had lie in SYSCTLS_BEFORE while a cluster needs them.
SYSCTLS = {
    "net/ipv4/ip_forward": "1",
    # 127.0.0.1:NODEPORT leads out to a pod; `nft.rules` drops what claims to come from elsewhere to 127.0.0.0/8.
    "net/ipv4/conf/all/route_localnet": "1",
}
SYSCTLS_BEFORE = "sysctls.json"
FIREWALL_CHAINS = ("INPUT", "FORWARD")


async def set_up(config: NetworkConfig) -> None:
    """Prepare the node for pods; again is harmless. Raises CorralError."""
    device = device_name(config.name)
    _set_sysctls(config.state_dir / SYSCTLS_BEFORE)
    if not _exists(device):
        # A bridge without ports: a dummy device would do, where the kernel has that.
        await _ip(f"link add {device} type bridge mcast_snooping 0")
    await _ip(
        f"address replace {config.dns_ip}/32 dev {device}",
        f"address replace {config.gateway}/32 dev {device}",
        f"link set {device} arp off up",
        f"route replace {config.service_cidr} dev {device} src {config.gateway}",
        f"route replace unreachable {config.all_pods} metric {LEAST_PREFERRED_METRIC}",
    )
    await _pass_firewall(config)
    write_conflist(config)


async def tear_down(name: str, state_dir: Path | None = None, cni_conf_dir: Path | None = None) -> None:
    """Remove the device, routes, pods' interfaces and files of the cluster called `name`, whatever there is of them."""
    device = device_name(name)
    links = await _links()
    own = next((link for link in links if link["ifname"] == device), None)
    if own is not None:
        addresses = _addresses(own)
        pods = [link["ifname"] for link in links if link is not own and _addresses(link) & addresses]
        routes = json.loads(await _run("ip", "-4", "-j", "route", "show", "type", "unreachable") or "[]")
        ranges = [r["dst"] for r in routes if r.get("metric") == LEAST_PREFERRED_METRIC and _contains(r["dst"], addresses)]
        await _ip(*(f"link delete {pod}" for pod in pods), f"link delete {device}")
        await _ip(*(f"route delete unreachable {dst} metric {LEAST_PREFERRED_METRIC}" for dst in ranges))
    await _leave_firewall(name)
    if state_dir is not None:
        shutil.rmtree(state_dir / "cni", ignore_errors=True)
        if not any(link["ifname"].startswith(DEVICE_PREFIX) and link is not own for link in links):
            _restore_sysctls(state_dir / SYSCTLS_BEFORE)
    if cni_conf_dir is not None:
        (cni_conf_dir / CONFLIST).unlink(missing_ok=True)


def conflist(config: NetworkConfig) -> dict[str, Any]:
    """The CNI configuration: https://www.cni.dev/docs/spec/. Host ports are the service proxy's."""
    return {
        "cniVersion": "0.4.0",
        "name": f"corral-{config.name}",
        "plugins": [
            {
                "type": "ptp",
                "ipMasq": False,
                "ipam": {
                    "type": "host-local",
                    "dataDir": str(config.state_dir / "cni"),
                    "ranges": [[{"subnet": config.pod_cidr}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
        ],
    }


def write_conflist(config: NetworkConfig) -> None:
    """Write it whole: the runtime watches the directory."""
    config.cni_conf_dir.mkdir(parents=True, exist_ok=True)
    path = config.cni_conf_dir / CONFLIST
    text = json.dumps(conflist(config), indent=2) + "\n"
    if path.exists() and path.read_text() == text:
        return
    partial = path.with_suffix(".partial")
    partial.write_text(text)
    partial.replace(path)


def _exists(device: str) -> bool:
    try:
        socket.if_nametoindex(device)
    except OSError:
        return False
    return True


def _set_sysctls(before_file: Path) -> None:
    before = {}
    for name, value in SYSCTLS.items():
        path = PROC_SYS / name
        try:
            before[name] = path.read_text().strip()
            if before[name] != value:
                path.write_text(value)
        except OSError as error:
            raise CorralError(f"cannot set {path} to {value}: {error.strerror}", "Run as root.") from error
    if not before_file.exists():
        before_file.parent.mkdir(parents=True, exist_ok=True)
        before_file.write_text(json.dumps(before))


def _restore_sysctls(before_file: Path) -> None:
    try:
        before = json.loads(before_file.read_text())
        for name in SYSCTLS:
            (PROC_SYS / name).write_text(before[name])
    except (OSError, ValueError, KeyError) as error:
        log.debug("sysctls are left as they are: %r", error)
    before_file.unlink(missing_ok=True)


def _addresses(link: dict[str, Any]) -> set[str]:
    return {info["local"] for info in link.get("addr_info", ()) if info.get("prefixlen") == 32 and "local" in info}


def _contains(network: str, addresses: set[str]) -> bool:
    return any(IPv4Address(address) in IPv4Network(network) for address in addresses)


async def _links() -> list[dict[str, Any]]:
    links: list[dict[str, Any]] = json.loads(await _run("ip", "-4", "-j", "address", "show") or "[]")
    return links


async def _pass_firewall(config: NetworkConfig) -> None:
    """Let pods through where Docker or ufw made it the policy of iptables to drop."""
    for chain in FIREWALL_CHAINS:
        rules = await _iptables("-S", chain)
        if not rules.startswith(f"-P {chain} DROP") or _comment(config.name) in rules:
            continue
        for side in ("-s", "-d") if chain == "FORWARD" else ("-s",):
            await _iptables(
                *("-I", chain, "1", side, config.all_pods),
                *("-m", "comment", "--comment", _comment(config.name), "-j", "ACCEPT"),
            )


async def _leave_firewall(name: str) -> None:
    for chain in FIREWALL_CHAINS:
        for rule in (await _iptables("-S", chain)).splitlines():
            words = rule.replace('"', "").split()
            if words[:1] == ["-A"] and _comment(name) in words:
                await _iptables("-D", *words[1:])


def _comment(name: str) -> str:
    return f"corral:{name}"


async def _iptables(*arguments: str) -> str:
    if shutil.which("iptables") is None:
        return ""
    try:
        return await _run("iptables", "-w", *arguments)
    except CorralError as error:
        log.debug("%s", error)
        return ""


async def _ip(*commands: str) -> None:
    if commands:
        await _run("ip", "-4", "-force", "-batch", "-", stdin="\n".join(commands) + "\n")


async def _run(*argv: str, stdin: str = "") -> str:
    # A pipe only where there is something to say: uvloop fails where a program has ended before it reads nothing.
    source = asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=source, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
    except FileNotFoundError as error:
        raise CorralError(f"{argv[0]} is not installed", "apt-get install iproute2") from error
    out, err = await process.communicate(stdin.encode() or None)
    if process.returncode:
        first_line = (err.decode(errors="replace").strip().splitlines() or [str(process.returncode)])[0]
        raise CorralError(f"{' '.join(argv)}: {first_line}", "Run as root, on a host whose network Corral may set up.")
    return out.decode()
