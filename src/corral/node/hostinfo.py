"""What this host is and has: processors, memory, disk, kernel, identity."""

import os
import platform
from collections.abc import Iterable
from pathlib import Path

from corral.api.objects import Object
from corral.node.config import KUBELET_VERSION
from corral.node.pressure.thresholds import Threshold

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "ppc64le": "ppc64le", "s390x": "s390x", "riscv64": "riscv64"}
HUGEPAGES = Path("/sys/kernel/mm/hugepages")


def architecture() -> str:
    """The processor's name in Go and OCI: amd64, arm64."""
    machine = platform.machine()
    return _ARCHITECTURES.get(machine, machine)


def cpu_count() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))


def memory() -> dict[str, int]:
    """/proc/meminfo in bytes."""
    found = {}
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        found[name] = int(words[0]) * (1024 if len(words) > 1 else 1)
    return found


def capacity(data_dir: Path, max_pods: int) -> dict[str, str]:
    """The node's resources as quantities."""
    disk = os.statvfs(data_dir)
    made = {
        "cpu": str(cpu_count()),
        "ephemeral-storage": f"{disk.f_blocks * disk.f_frsize // 1024}Ki",
        "memory": f"{memory()['MemTotal'] // 1024}Ki",
        "pods": str(max_pods),
    }
    if HUGEPAGES.is_dir():
        for entry in HUGEPAGES.iterdir():
            size_kib = int(entry.name.removeprefix("hugepages-").removesuffix("kB"))
            total_kib = int((entry / "nr_hugepages").read_text()) * size_kib
            name = f"{size_kib // 1024 // 1024}Gi" if size_kib >= 1024 * 1024 else f"{size_kib // 1024}Mi"
            made[f"hugepages-{name}"] = f"{total_kib}Ki" if total_kib else "0"
    return made


def allocatable(total: dict[str, str], thresholds: Iterable[Threshold]) -> dict[str, str]:
    """What pods may ask for: the capacity, less what is kept free before pods are evicted."""
    made = dict(total)
    for threshold in thresholds:
        if threshold.signal == "memory.available":
            memory_kib = int(total["memory"].removesuffix("Ki"))
            made["memory"] = f"{memory_kib - threshold.amount(memory_kib * 1024) // 1024}Ki"
        elif threshold.signal == "nodefs.available":
            disk_bytes = int(total["ephemeral-storage"].removesuffix("Ki")) * 1024
            made["ephemeral-storage"] = str(disk_bytes - threshold.amount(disk_bytes))
    return made


def node_info(runtime_name: str, runtime_version: str) -> Object:
    """The NodeSystemInfo."""
    return {
        "architecture": architecture(),
        "bootID": _read("/proc/sys/kernel/random/boot_id"),
        "containerRuntimeVersion": f"{runtime_name}://{runtime_version.removeprefix('v')}",
        "kernelVersion": platform.release(),
        "kubeProxyVersion": "",
        "kubeletVersion": KUBELET_VERSION,
        "machineID": _read("/etc/machine-id"),
        "operatingSystem": "linux",
        "osImage": _os_image(),
        "systemUUID": _read("/sys/class/dmi/id/product_uuid") or _read("/etc/machine-id"),
    }


def _os_image() -> str:
    for line in _read("/etc/os-release").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return "Linux"


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
