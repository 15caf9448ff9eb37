"""Signing an archive: Chart.yaml and the archive's digest, as a clear-signed message beside it."""

import hashlib
from pathlib import Path

from corral.base.files import replace
from corral.charts.chart.errors import ChartError
from corral.charts.chart.load import load
from corral.charts.provenance.keyrings import certificates, first_line, library


def sign(archive: Path, key: str, keyring: str = "", passphrase: str | None = None) -> Path:
    """Write `ARCHIVE.prov`, signed by the key whose user's name has `key` in it. Raises ChartError."""
    from corral.charts.render import yamlwriter

    sequoia = library()
    found = [c for c in certificates(keyring) if c.has_secret_keys and any(key in str(user) for user in c.user_ids)]
    if not found:
        raise ChartError(f"no private key found for {key!r}", "export it: gpg --export-secret-keys > FILE, then --keyring FILE")
    if len(found) > 1:
        raise ChartError(f"more than one key contain the id {key!r}", "give more of the name: --key")
    data = archive.read_bytes()
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    message = f"{yamlwriter.dump(load(archive).metadata)}\n...\nfiles:\n  {archive.name}: {digest}\n"
    try:
        secret = found[0].secrets
        signer = secret.signer(passphrase) if passphrase else secret.signer()
        signed = sequoia.sign(signer, message.encode(), mode=sequoia.SignatureMode.CLEAR)
    except Exception as error:  # the library's errors have no class of their own
        raise ChartError(
            f"cannot sign with {key!r}: {first_line(error)}", "is the passphrase right? --passphrase-file"
        ) from None
    path = archive.with_name(archive.name + ".prov")
    replace(path, bytes(signed), mode=0o644)
    return path
