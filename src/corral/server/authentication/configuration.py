"""The AuthenticationConfiguration file: whose JSON Web Tokens are taken, how their claims become users, where anonymous may go.

`apiserver.config.k8s.io/v1` (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#using-authentication-configuration,
KEP-3331). Pure but for reading the file; expressions are compiled by `claims`.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from corral.api.objects import Object
from corral.server.configfiles import FileReader

VERSIONS = ("apiserver.config.k8s.io/v1", "apiserver.config.k8s.io/v1beta1")
KIND = "AuthenticationConfiguration"
MAX_ISSUERS = 64
ANY = "MatchAny"
EXTRA_KEY = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/[-a-z0-9._~!$&'()*+,;=:@/%]+")
#: The address of a token, and not whether it is verified.
EMAIL_CLAIM = re.compile(r"""claims\.(?:\?)?email\b|claims\[["']email["']\]""")
_RESERVED = ("k8s.io", "kubernetes.io")


class Source(NamedTuple):
    """Where a value comes from: a claim, with a prefix before it, or an expression over all claims."""

    claim: str = ""
    prefix: str = ""
    expression: str = ""

    def __bool__(self) -> bool:
        return bool(self.claim or self.expression)


class Check(NamedTuple):
    """What must hold of the claims, or of the user: a claim's value, or an expression with its message."""

    claim: str = ""
    required: str = ""
    expression: str = ""
    message: str = ""


class Issuer(NamedTuple):
    """One whose tokens are taken. `authority` is PEM, "" for the system's authorities."""

    url: str
    audiences: tuple[str, ...]
    discovery_url: str = ""
    authority: str = ""
    username: Source = Source()
    groups: Source = Source()
    uid: Source = Source()
    extra: tuple[tuple[str, str], ...] = ()
    claim_checks: tuple[Check, ...] = ()
    user_checks: tuple[Check, ...] = ()


class Anonymous(NamedTuple):
    """Whether requests without credentials are let through, and on which paths (none: all of them)."""

    enabled: bool = True
    paths: tuple[str, ...] = ()

    def may(self, path: str) -> bool:
        """Whether a request of this path may be anonymous."""
        return self.enabled and (not self.paths or path in self.paths)


class AuthenticationConfiguration(NamedTuple):
    """What the file says."""

    issuers: tuple[Issuer, ...] = ()
    anonymous: Anonymous = Anonymous()


def load(path: Path, taken_issuers: Sequence[str] = ()) -> AuthenticationConfiguration:
    """The configuration of a file; one that is not there configures nothing.

    `taken_issuers` are those of the server's own tokens. Raises CorralError that names the field at fault.
    """
    if not path.exists():
        return AuthenticationConfiguration()
    reader = FileReader(path)
    found = reader.document(VERSIONS, KIND)
    reader.known(found, "", ("apiVersion", "kind", "jwt", "anonymous"))
    entries = reader.list_of(found, "jwt", dict, "")
    if len(entries) > MAX_ISSUERS:
        raise reader.fault("jwt", len(entries), f"has at most {MAX_ISSUERS} items")
    issuers: list[Issuer] = []
    for i, entry in enumerate(entries):
        issuer = _issuer(reader, entry, f"jwt[{i}]")
        if issuer.url in (*taken_issuers, *(other.url for other in issuers)):
            raise reader.fault(f"jwt[{i}].issuer.url", issuer.url, "is of one issuer only, and not the service accounts' own")
        issuers.append(issuer)
    return AuthenticationConfiguration(tuple(issuers), _anonymous(reader, found))


def simple(issuer_url: str, client_id: str) -> Object:
    """The file that says what the reference's `--oidc-issuer-url`, `--oidc-client-id` and `--oidc-groups-claim=groups` do."""
    mappings = {"username": {"claim": "sub", "prefix": f"{issuer_url}#"}, "groups": {"claim": "groups", "prefix": ""}}
    entry = {"issuer": {"url": issuer_url, "audiences": [client_id]}, "claimMappings": mappings}
    return {"apiVersion": VERSIONS[0], "kind": KIND, "jwt": [entry]}


def _anonymous(reader: FileReader, found: Object) -> Anonymous:
    anonymous = reader.value(found, "anonymous", dict, "", None)
    if anonymous is None:
        return Anonymous()
    reader.known(anonymous, "anonymous", ("enabled", "conditions"))
    enabled = reader.value(anonymous, "enabled", bool, "anonymous", False)
    conditions = reader.list_of(anonymous, "conditions", dict, "anonymous")
    if conditions and not enabled:
        raise reader.fault("anonymous.conditions", conditions, "needs anonymous.enabled: true")
    paths = []
    for i, condition in enumerate(conditions):
        reader.known(condition, f"anonymous.conditions[{i}]", ("path",))
        path = reader.value(condition, "path", str, f"anonymous.conditions[{i}]", "")
        if not path.startswith("/"):
            raise reader.fault(f"anonymous.conditions[{i}].path", path, "begins with /")
        paths.append(path)
    return Anonymous(enabled, tuple(paths))


def _issuer(reader: FileReader, entry: Object, where: str) -> Issuer:
    reader.known(entry, where, ("issuer", "claimMappings", "claimValidationRules", "userValidationRules"))
    issuer = reader.value(entry, "issuer", dict, where, {})
    at = f"{where}.issuer"
    fields = ("url", "discoveryURL", "certificateAuthority", "audiences", "audienceMatchPolicy", "egressSelectorType")
    reader.known(issuer, at, fields)
    url = _url(reader, issuer, "url", at)
    discovery_url = _url(reader, issuer, "discoveryURL", at) if issuer.get("discoveryURL") else ""
    if discovery_url.rstrip("/") == url.rstrip("/"):
        raise reader.fault(f"{at}.discoveryURL", discovery_url, "differs from the url, or is left out")
    if issuer.get("egressSelectorType"):
        raise reader.fault(f"{at}.egressSelectorType", issuer["egressSelectorType"], "is left out: there is no egress selector")
    audiences = tuple(reader.list_of(issuer, "audiences", str, at))
    if not audiences or not all(audiences):
        raise reader.fault(f"{at}.audiences", list(audiences), "names at least one audience, and none that is empty")
    policy = reader.value(issuer, "audienceMatchPolicy", str, at, "")
    if policy not in ("", ANY) or (len(audiences) > 1 and policy != ANY):
        raise reader.fault(f"{at}.audienceMatchPolicy", policy, f"is {ANY} where there are several audiences")
    mappings = reader.value(entry, "claimMappings", dict, where, {})
    reader.known(mappings, f"{where}.claimMappings", ("username", "groups", "uid", "extra"))
    username = _source(reader, mappings, "username", where, prefixed=True)
    if not username:
        raise reader.fault(f"{where}.claimMappings.username", mappings.get("username"), "has a claim or an expression")
    made = Issuer(
        url,
        audiences,
        discovery_url,
        reader.value(issuer, "certificateAuthority", str, at, ""),
        username,
        _source(reader, mappings, "groups", where, prefixed=True),
        _source(reader, mappings, "uid", where, prefixed=False),
        _extra(reader, mappings, f"{where}.claimMappings"),
        _checks(reader, entry, where, "claimValidationRules"),
        _checks(reader, entry, where, "userValidationRules"),
    )
    if not _email_is_checked(made):
        where = f"{where}.claimMappings.username.expression"
        raise reader.fault(where, username.expression, "goes with a rule or mapping that looks at claims.email_verified")
    return made


def _email_is_checked(issuer: Issuer) -> bool:
    """Whether somebody looks if an address that becomes a name has been verified: else anybody could claim another's."""
    if not EMAIL_CLAIM.search(issuer.username.expression):
        return True
    checks = [issuer.username.expression, *(text for _, text in issuer.extra), *(c.expression for c in issuer.claim_checks)]
    return any("email_verified" in text for text in checks)


def _checks(reader: FileReader, entry: Object, where: str, field: str) -> tuple[Check, ...]:
    rules = reader.list_of(entry, field, dict, where)
    of_claims = field == "claimValidationRules"
    return tuple(_check(reader, rule, f"{where}.{field}[{i}]", of_claims=of_claims) for i, rule in enumerate(rules))


def _url(reader: FileReader, issuer: Object, field: str, where: str) -> str:
    url: str = reader.value(issuer, field, str, where, "")
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise reader.fault(f"{where}.{field}", url, "is https://HOST/PATH, without user, query and fragment")
    return url


def _source(reader: FileReader, mappings: Object, field: str, where: str, *, prefixed: bool) -> Source:
    at = f"{where}.claimMappings.{field}"
    found = reader.value(mappings, field, dict, f"{where}.claimMappings", {})
    reader.known(found, at, ("claim", "prefix", "expression") if prefixed else ("claim", "expression"))
    claim, expression = reader.value(found, "claim", str, at, ""), reader.value(found, "expression", str, at, "")
    prefix = reader.value(found, "prefix", str, at, None) if prefixed else ""
    if claim and expression:
        raise reader.fault(f"{at}.expression", expression, "cannot be beside a claim")
    if expression and prefix is not None and prefixed:
        raise reader.fault(f"{at}.prefix", prefix, "is made by the expression itself")
    if claim and prefix is None:
        raise reader.fault(f"{at}.prefix", None, 'is set where a claim is; "" for none')
    return Source(claim, prefix or "", expression)


def _extra(reader: FileReader, mappings: Object, where: str) -> tuple[tuple[str, str], ...]:
    extra: list[tuple[str, str]] = []
    for i, entry in enumerate(reader.list_of(mappings, "extra", dict, where)):
        at = f"{where}.extra[{i}]"
        reader.known(entry, at, ("key", "valueExpression"))
        key, expression = reader.value(entry, "key", str, at, ""), reader.value(entry, "valueExpression", str, at, "")
        domain = key.partition("/")[0]
        if not EXTRA_KEY.fullmatch(key):
            raise reader.fault(f"{at}.key", key, "is DOMAIN/PATH in lower case")
        if any(domain == reserved or domain.endswith(f".{reserved}") for reserved in _RESERVED):
            raise reader.fault(f"{at}.key", key, f"is of no domain of Kubernetes' own ({', '.join(_RESERVED)})")
        if key in dict(extra):
            raise reader.fault(f"{at}.key", key, "is there once")
        if not expression:
            raise reader.fault(f"{at}.valueExpression", expression, "is an expression")
        extra.append((key, expression))
    return tuple(extra)


def _check(reader: FileReader, rule: Object, where: str, *, of_claims: bool) -> Check:
    reader.known(rule, where, ("claim", "requiredValue", "expression", "message") if of_claims else ("expression", "message"))
    names = ("claim", "requiredValue", "expression", "message")
    claim, required, expression, message = (reader.value(rule, name, str, where, "") for name in names)
    if bool(claim) == bool(expression):
        raise reader.fault(where, rule, "has a claim or an expression" if of_claims else "has an expression")
    if claim and message:
        raise reader.fault(f"{where}.message", message, "goes with an expression")
    return Check(claim, required, expression, message)
