"""What one change of a Service costs on a node, among few and among many. Root: `unshare -n python benchmarks/services.py`."""

import asyncio
import statistics
import time

from corral.api.objects import Key
from corral.network.nft.rules import Ranges, Rendered, render
from corral.network.nft.table import Table
from corral.network.services import Backends, Endpoint, ServicePort

RANGES = Ranges("10.42.0.0/16", "10.42.0.0/16", "10.96.0.0/12")


def rendered(number: int, shift: int = 0) -> Rendered:
    backends = Backends(tuple(Endpoint(f"10.42.{number % 250}.{i + shift}", 8080) for i in range(1, 4)))
    ip = f"10.{96 + (number >> 16)}.{(number >> 8) & 255}.{number & 255}"
    port = ServicePort(Key("default", f"s{number}"), "http", "tcp", 80, (ip,), backends, cluster=backends, external=backends)
    return render(port, RANGES)


async def measure(count: int) -> None:
    table = Table("corral-benchmark", RANGES)
    parts = {number: rendered(number) for number in range(1, count + 1)}
    began_s = time.perf_counter()
    await table.replace(parts)
    replaced_s = time.perf_counter() - began_s
    took_ms = []
    for turn in range(20):
        began_s = time.perf_counter()
        await table.update({1 + turn % count: rendered(1 + turn % count, shift=10 + turn)})
        took_ms.append((time.perf_counter() - began_s) * 1000)
    print(f"{count:6} Services: all at once {replaced_s:.2f} s, one change {statistics.median(took_ms):.1f} ms")
    await table.delete()


async def main() -> None:
    for count in (10, 1000, 5000):
        await measure(count)


if __name__ == "__main__":
    asyncio.run(main())
