"""The names of those who sign certificates: `example.com/signer`."""

from corral.api import names
from corral.api.fields import Errors, Path

DOMAIN_MAX_BYTES = 253
NAME_MAX_BYTES = 571


def check_signer_name(errs: Errors, signer: str, path: Path) -> None:
    """A domain of two parts or more, a slash, and labels with dots between them."""
    if not signer:
        errs.required(path)
        return
    domain, slash, rest = signer.partition("/")
    if not slash or "/" in rest:
        why = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
        errs.invalid(path, signer, why)
        return
    if len(domain.encode()) > DOMAIN_MAX_BYTES:
        errs.too_long(path, DOMAIN_MAX_BYTES)
    for label in domain.split("."):
        errs.each(path, domain, [f'validating label "{label}": {wrong}' for wrong in names.dns_label(label)])
    if "." not in domain:
        errs.invalid(path, domain, "should be a domain with at least two segments separated by dots")
    for label in rest.split("."):
        errs.each(path, rest, [f'validating label "{label}": {wrong}' for wrong in names.dns_subdomain(label)])
    if len(signer.encode()) > NAME_MAX_BYTES:
        errs.too_long(path, NAME_MAX_BYTES)
