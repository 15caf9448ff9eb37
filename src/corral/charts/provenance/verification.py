"""Checking an archive against the `.prov` file beside it: the signature, then the digest that it names."""

import hashlib
from pathlib import Path

from corral.charts.chart import yamlfile
from corral.charts.chart.errors import ChartError
from corral.charts.provenance.keyrings import certificates, first_line, library

MAX_PROVENANCE_BYTES = 1024 * 1024


def verify(archive: Path, keyring: str = "") -> str:
    """Who signed the archive, in Helm's words. Raises ChartError where nobody whose key is in the keyring did."""
    if archive.is_dir():
        raise ChartError("unpacked charts cannot be verified", "verify the archive that it came from")
    if archive.suffix not in (".tgz", ".gz"):
        raise ChartError("chart must be a tgz file", "give the archive: NAME-1.2.3.tgz")
    signed = archive.with_name(archive.name + ".prov")
    try:
        data, message = archive.read_bytes(), signed.read_bytes()[:MAX_PROVENANCE_BYTES]
    except OSError as error:
        raise ChartError(
            f"could not load provenance file {signed}: {(error.strerror or str(error)).lower()}",
            "fetch it: corral chart pull --prov",
        ) from None
    known = certificates(keyring)
    try:
        told = library().verify(message, store=lambda ids: known)
    except Exception as error:  # the library's errors have no class of their own
        raise ChartError(
            f"openpgp: signature made by unknown entity, or not valid: {first_line(error)}", "do not use the archive"
        ) from None
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    _check_digest(bytes(told.bytes), archive.name, digest)
    fingerprint = str(told.valid_sigs[0].certificate).upper()
    signer = next((c for c in known if c.fingerprint.upper() == fingerprint), None)
    names = "".join(f"Signed by: {user}\n" for user in (signer.user_ids if signer is not None else ()))
    return f"{names}Using Key With Fingerprint: {fingerprint}\nChart Hash Verified: {digest}"


def _check_digest(message: bytes, name: str, digest: str) -> None:
    _, _, files = message.partition(b"\n...\n")
    content = yamlfile.read(files, "the provenance file") if files else {}
    wanted = (content or {}).get("files") or {}
    if name not in wanted:
        raise ChartError(f"provenance does not contain a SHA for a file named {name}", "the archive was renamed, or is another")
    if wanted[name] != digest:
        raise ChartError(f"sha256 sum does not match for {name}: {wanted[name]} != {digest}", "do not use the archive")
