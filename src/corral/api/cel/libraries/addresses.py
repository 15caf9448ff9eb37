"""IP addresses and CIDR blocks: https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-ip-address-library."""

import ipaddress
from dataclasses import dataclass

from corral.api.cel.costs import PER_CHARACTER, traversed
from corral.api.cel.errors import EvaluationError
from corral.api.cel.functions import Library
from corral.api.cel.types import OPAQUE
from corral.api.cel.values import Opaque

LIBRARY = Library()
_overload = LIBRARY.overload
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class IP(Opaque):
    """An address."""

    cel_type = OPAQUE["IP"]
    address: _Address


@dataclass(frozen=True, slots=True)
class CIDR(Opaque):
    """A block, with the address it was written with."""

    cel_type = OPAQUE["CIDR"]
    address: _Address
    bits: int

    @property
    def network(self) -> _Network:
        """The block alone."""
        return ipaddress.ip_network((self.address, self.bits), strict=False)


def parse_ip(text: str) -> IP:
    """The address. Raises EvaluationError."""
    fault = EvaluationError(
        f'IP Address "{text}" parse error during conversion from string: ParseAddr("{text}"): unable to parse IP'
    )
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise fault from None
    if "%" in text:
        raise EvaluationError(f'IP address "{text}" with zone value is not allowed')
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        raise EvaluationError(f'IPv4-mapped IPv6 address "{text}" is not allowed')
    return IP(address)


def parse_cidr(text: str) -> CIDR:
    """The block. Raises EvaluationError."""
    address_text, slash, bits_text = text.partition("/")
    fault = EvaluationError(f"network address parse error during conversion from string: netip.ParsePrefix(\"{text}\"): no '/'")
    if not slash:
        raise fault
    try:
        address = ipaddress.ip_address(address_text)
    except ValueError:
        why = f'ParseAddr("{address_text}"): unable to parse IP'
        raise EvaluationError(
            f'network address parse error during conversion from string: netip.ParsePrefix("{text}"): {why}'
        ) from None
    good = bits_text.isascii() and bits_text.isdigit() and len(bits_text) <= 3 and (bits_text == "0" or bits_text[0] != "0")
    if not good or int(bits_text) > address.max_prefixlen:
        why = "prefix length out of range" if good else "bad bits after slash: " + f'"{bits_text}"'
        raise EvaluationError(f'network address parse error during conversion from string: netip.ParsePrefix("{text}"): {why}')
    return CIDR(address, int(bits_text))


@_overload("ip(string) -> IP", cost=traversed)
def ip(text: str) -> IP:
    """The address that a text is."""
    return parse_ip(text)


@_overload("isIP(string) -> bool", cost=traversed)
def is_ip(text: str) -> bool:
    """Whether it is one."""
    try:
        parse_ip(text)
    except EvaluationError:
        return False
    return True


@_overload("ip.isCanonical(string) -> bool", cost=lambda args, _: len(args[0]) * 2 * PER_CHARACTER)
def is_canonical(text: str) -> bool:
    """Whether an address is written in its one canonical form."""
    return str(parse_ip(text).address) == text


@_overload("IP.family() -> int")
def _family(value: IP) -> int:
    return value.address.version


@_overload("IP.isUnspecified() -> bool")
def _is_unspecified(value: IP) -> bool:
    return value.address.is_unspecified


@_overload("IP.isLoopback() -> bool")
def _is_loopback(value: IP) -> bool:
    return value.address.is_loopback


@_overload("IP.isLinkLocalMulticast() -> bool")
def _is_link_local_multicast(value: IP) -> bool:
    octets = value.address.packed
    return octets[:3] == b"\xe0\x00\x00" if len(octets) == 4 else octets[0] == 0xFF and octets[1] & 0x0F == 2


@_overload("IP.isLinkLocalUnicast() -> bool")
def _is_link_local_unicast(value: IP) -> bool:
    return value.address.is_link_local


@_overload("IP.isGlobalUnicast() -> bool")
def _is_global_unicast(value: IP) -> bool:
    address = value.address
    broadcast = address.packed == b"\xff\xff\xff\xff"
    return not (address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local or broadcast)


@_overload("string(IP) -> string")
def _ip_text(value: IP) -> str:
    return str(value.address)


@_overload("cidr(string) -> CIDR", cost=traversed)
def cidr(text: str) -> CIDR:
    """The block that a text is."""
    return parse_cidr(text)


@_overload("isCIDR(string) -> bool", cost=traversed)
def is_cidr(text: str) -> bool:
    """Whether it is one."""
    try:
        parse_cidr(text)
    except EvaluationError:
        return False
    return True


@_overload("CIDR.containsIP(IP) -> bool", cost=lambda _args, _result: 4)
def _contains_ip(value: CIDR, other: IP) -> bool:
    return other.address in value.network


@_overload("CIDR.containsIP(string) -> bool", cost=lambda args, _result: 4 + len(args[1]) * PER_CHARACTER)
def _contains_ip_text(value: CIDR, other: str) -> bool:
    return _contains_ip(value, parse_ip(other))


@_overload("CIDR.containsCIDR(CIDR) -> bool", cost=lambda _args, _result: 7)
def _contains_cidr(value: CIDR, other: CIDR) -> bool:
    return value.bits <= other.bits and value.address.version == other.address.version and other.address in value.network


@_overload("CIDR.containsCIDR(string) -> bool", cost=lambda args, _result: 7 + len(args[1]) * PER_CHARACTER)
def _contains_cidr_text(value: CIDR, other: str) -> bool:
    return _contains_cidr(value, parse_cidr(other))


@_overload("CIDR.ip() -> IP")
def _ip_of(value: CIDR) -> IP:
    return IP(value.address)


@_overload("CIDR.masked() -> CIDR")
def _masked(value: CIDR) -> CIDR:
    return CIDR(value.network.network_address, value.bits)


@_overload("CIDR.prefixLength() -> int")
def _prefix_length(value: CIDR) -> int:
    return value.bits


@_overload("string(CIDR) -> string")
def _cidr_text(value: CIDR) -> str:
    return f"{value.address}/{value.bits}"
