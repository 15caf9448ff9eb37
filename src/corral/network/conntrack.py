"""UDP flows that conntrack still leads to endpoints that are gone.

A flow of UDP never ends as long as its client goes on sending, and conntrack keeps the endpoint that the first packet got; so
flows to a removed endpoint, or from before there was one, are forgotten. The next packet chooses anew. Without the tool
`conntrack` flows time out by themselves after 30 to 120 s.
"""

import asyncio
import logging
import re
import shutil
from collections.abc import Iterable
from typing import NamedTuple

from corral.network.services import ServicePort

log = logging.getLogger(__name__)

LIST_TIMEOUT_S = 10.0

LINE = re.compile(
    r"^udp\s+17 \d+ src=(?P<src>\S+) dst=(?P<dst>\S+) sport=(?P<sport>\d+) dport=(?P<dport>\d+) .*?"
    r"src=(?P<reply_src>\S+) dst=\S+ sport=(?P<reply_sport>\d+) dport=\d+"
)


class Flow(NamedTuple):
    """One flow: who sent to where, and who answers."""

    src: str
    sport: int
    dst: str
    dport: int
    reply_src: str
    reply_sport: int


def parse(listing: str) -> list[Flow]:
    """The flows in what `conntrack -L -p udp` prints."""
    flows = []
    for line in listing.splitlines():
        if found := LINE.match(line):
            part = found.groupdict()
            flows.append(
                Flow(
                    part["src"],
                    int(part["sport"]),
                    part["dst"],
                    int(part["dport"]),
                    part["reply_src"],
                    int(part["reply_sport"]),
                )
            )
    return flows


def stale(flows: Iterable[Flow], ports: Iterable[ServicePort]) -> list[Flow]:
    """The flows to one of `ports` that no endpoint of it answers."""
    by_address: dict[tuple[str, int], set[tuple[str, int]]] = {}
    by_node_port: dict[int, set[tuple[str, int]]] = {}
    for port in ports:
        places = {(e.ip, e.port) for e in port.endpoints}
        for ip in (*port.cluster_ips, *port.external_ips, *port.load_balancer_ips):
            by_address[ip, port.port] = places
        if port.node_port:
            by_node_port[port.node_port] = places
    found = []
    for flow in flows:
        places_or_none = by_address.get((flow.dst, flow.dport), by_node_port.get(flow.dport))
        if places_or_none is not None and (flow.reply_src, flow.reply_sport) not in places_or_none:
            found.append(flow)
    return found


async def forget_stale(ports: Iterable[ServicePort]) -> None:
    """Forget the stale UDP flows of `ports`; failures are only logged."""
    udp = [port for port in ports if port.protocol == "udp"]
    if not udp or shutil.which("conntrack") is None:
        return
    try:
        for flow in stale(parse(await _run("-L", "-p", "udp")), udp):
            await _run(
                *("-D", "-p", "udp", "--orig-src", flow.src, "--orig-dst", flow.dst),
                *("--orig-port-src", str(flow.sport), "--orig-port-dst", str(flow.dport)),
            )
    except (OSError, TimeoutError) as error:
        log.warning("conntrack: %r", error)


async def _run(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "conntrack", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(LIST_TIMEOUT_S):
            out, _ = await process.communicate()
    except (TimeoutError, asyncio.CancelledError):
        process.kill()
        await process.wait()
        raise
    return out.decode(errors="replace")
