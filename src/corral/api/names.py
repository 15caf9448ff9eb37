"""Checks of names, label values, ports, addresses: each returns what is wrong, in the reference's words; [] where all is well.

Formats: RFC 1035, RFC 1123, and apimachinery's `util/validation`.
"""

import ipaddress
import re
from collections.abc import Callable

from corral.base import patterns

Check = Callable[[str], list[str]]

LABEL_MAX_CHARS = 63
SUBDOMAIN_MAX_CHARS = 253
PORT_NAME_MAX_CHARS = 15
ID_MAX = 2**31 - 1

_LABEL_1123 = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL_1123}(\.{_LABEL_1123})*"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_EMPTY = "must be non-empty"
VALID_IP = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
VALID_CIDR = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


def too_long(most: int, unit: str = "characters") -> str:
    """The text for a value longer than `most`."""
    return f"must be no more than {most} {unit}"


def between(least: int, most: int) -> str:
    """The text for a number outside a range."""
    return f"must be between {least} and {most}, inclusive"


def pattern(message: str, regex: str, *examples: str) -> str:
    """The text for a value that does not match `regex`."""
    if not examples:
        return f"{message} (regex used for validation is '{regex}')"
    shown = " or ".join(f"'{e}', " for e in examples)
    return f"{message} (e.g. {shown}regex used for validation is '{regex}')"


class _Pattern:
    """A regular expression that must match all of a text no longer than `most`."""

    def __init__(self, message: str, regex: str, *examples: str, most: int, unit: str = "characters") -> None:
        self.regex = patterns.pattern(regex, re.ASCII)
        self.message = pattern(message, regex, *examples)
        self.most = most
        self.long = too_long(most, unit)

    def __call__(self, value: str) -> list[str]:
        found = []
        if len(value.encode()) > self.most:
            found.append(self.long)
        if not self.regex.fullmatch(value) or value.endswith("\n"):
            found.append(self.message)
        return found


_dns_label = _Pattern(
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an"
    " alphanumeric character",
    _LABEL_1123,
    "my-name",
    "123-abc",
    most=LABEL_MAX_CHARS,
)
dns_subdomain = _Pattern(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end"
    " with an alphanumeric character",
    _SUBDOMAIN,
    "example.com",
    most=SUBDOMAIN_MAX_CHARS,
)
dns_1035_label = _Pattern(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end"
    " with an alphanumeric character",
    _LABEL_1035,
    "my-name",
    "abc-123",
    most=LABEL_MAX_CHARS,
)
wildcard_subdomain = _Pattern(
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case"
    " alphanumeric characters, '-' or '.' and end with an alphanumeric character",
    rf"\*\.{_SUBDOMAIN}",
    "*.example.com",
    most=SUBDOMAIN_MAX_CHARS,
)
label_value = _Pattern(
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end"
    " with an alphanumeric character",
    f"({_QUALIFIED})?",
    "MyValue",
    "my_value",
    "12345",
    most=LABEL_MAX_CHARS,
    unit="bytes",
)
_name_part = _Pattern(
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    _QUALIFIED,
    "MyName",
    "my.name",
    "123-abc",
    most=LABEL_MAX_CHARS,
    unit="bytes",
)
http_header_name = _Pattern(
    "a valid HTTP header must consist of alphanumeric characters or '-'", "[-A-Za-z0-9]+", "X-Header-Name", most=1 << 30
)
percent = _Pattern(
    "a valid percent string must be a numeric string followed by an ending '%'", "[0-9]+%", "1%", "93%", most=1 << 30
)
c_identifier = _Pattern(
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
    "[A-Za-z_][A-Za-z0-9_]*",
    "my_name",
    "MY_NAME",
    "MyName",
    most=1 << 30,
)
_config_key = _Pattern(
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    "[-._a-zA-Z0-9]+",
    "key.name",
    "KEY_NAME",
    "key-name",
    most=SUBDOMAIN_MAX_CHARS,
)


def dns_label(value: str) -> list[str]:
    """One part of a DNS name (RFC 1123)."""
    found = _dns_label(value)
    if _dns_label.message in found and dns_subdomain.regex.fullmatch(value) and not value.endswith("\n"):
        return [m if m != _dns_label.message else "must not contain dots" for m in found]
    return found


def qualified_name(value: str) -> list[str]:
    """A label's key: a name with an optional DNS prefix, `example.com/name`."""
    prefix, slash, name = value.rpartition("/")
    if "/" in prefix:
        return [
            f"a qualified name {_name_part.message} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        ]
    found = []
    if slash:
        found = [f"prefix part {m}" for m in (dns_subdomain(prefix) if prefix else [_EMPTY])]
    if not name:
        found.append(f"name part {_EMPTY}")
    return found + [f"name part {m}" for m in _name_part(name)]


def config_key(value: str) -> list[str]:
    """A key of a ConfigMap or Secret, which becomes a file's name."""
    found = _config_key(value)
    if value in (".", ".."):
        found.append(f"must not be '{value}'")
    elif value.startswith(".."):
        found.append("must not start with '..'")
    return found


def env_var_name(value: str) -> list[str]:
    """The name of an environment variable (KEP-4369): printable ASCII without `=`."""
    if not value:
        return [f"environment variable name {_EMPTY}"]
    if re.fullmatch(r"[ -<>-~]+", value):
        return []
    return ["a valid environment variable name must consist only of printable ASCII characters other than '='"]


def port_number(value: int) -> list[str]:
    """A port of TCP, UDP or SCTP."""
    return [] if 1 <= value <= 65535 else [between(1, 65535)]


def port_name(value: str) -> list[str]:
    """The name of a port (RFC 6335)."""
    found = []
    if len(value) > PORT_NAME_MAX_CHARS:
        found.append(too_long(PORT_NAME_MAX_CHARS))
    if not re.fullmatch("[-a-z0-9]+", value):
        found.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", value):
        found.append("must contain at least one letter (a-z)")
    if "--" in value:
        found.append("must not contain consecutive hyphens")
    if value.startswith("-") or value.endswith("-"):
        found.append("must not begin or end with a hyphen")
    return found


def user_or_group_id(value: int) -> list[str]:
    """A user's or group's number."""
    return [] if 0 <= value <= ID_MAX else [between(0, ID_MAX)]


def path_segment(value: str) -> list[str]:
    """A name that need only be usable in a URL's path (RBAC and others)."""
    if value in (".", ".."):
        return [f"may not be '{value}'"]
    return [f"may not contain '{c}'" for c in "/%" if c in value]


def ip_address(value: str) -> list[str]:
    """An IPv4 or IPv6 address in a form that all parsers read alike."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return ["must not have leading 0s"] if _is_dotted_quad(value) else [VALID_IP]
    if address.version == 6 and address.ipv4_mapped is not None:
        return ["must not be an IPv4-mapped IPv6 address"]
    return [] if "%" not in value else [VALID_IP]


def cidr(value: str) -> list[str]:
    """An address with a prefix length, and no bits after the prefix, in a form that all parsers read alike."""
    address, slash, length = value.partition("/")
    parsed = ".".join(str(int(part)) for part in address.split(".")) if _is_dotted_quad(address) else address
    try:
        found = ipaddress.ip_address(parsed)
    except ValueError:
        return [VALID_CIDR]
    if not slash or "%" in address or not re.fullmatch("[0-9]{1,3}", length) or int(length) > found.max_prefixlen:
        return [VALID_CIDR]
    if parsed != address or str(int(length)) != length:
        return ["must not have leading 0s in IP or prefix length"]
    if found.version == 6 and found.ipv4_mapped is not None:
        return ["must not have an IPv4-mapped IPv6 address"]
    if ipaddress.ip_network(value, strict=False).network_address != found:
        return ["must not have bits set beyond the prefix length"]
    return []


def canonical_ip_address(value: str) -> list[str]:
    """An address in the one form that is canonical (RFC 5952)."""
    return ip_address(value) or _canonical(value, str(ipaddress.ip_address(value)))


def canonical_cidr(value: str) -> list[str]:
    """An address with a prefix length in the one form that is canonical."""
    return cidr(value) or _canonical(value, str(ipaddress.ip_network(value)))


def fully_qualified_name(value: str) -> list[str]:
    """A domain of three parts or more, as webhooks are named. All faults are told in one text."""
    wrong = dns_subdomain(value)
    if wrong:
        return [",".join(wrong)]
    return [] if value.count(".") >= 2 else ["should be a domain with at least three segments separated by dots"]


def _canonical(value: str, canonical: str) -> list[str]:
    return [] if value == canonical else [f'must be in canonical form ("{canonical}")']


def _is_dotted_quad(value: str) -> bool:
    parts = value.split(".")
    return len(parts) == 4 and all(re.fullmatch(r"\d{1,10}", p) and int(p) < 256 for p in parts)
