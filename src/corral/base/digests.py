"""Digests of short texts without OpenSSL, which `hashlib` loads: that takes longer than to render most charts.

Python brings its own implementations, which hashlib falls back to: a module for each, SHA-2 in one from Python 3.12 on.
"""


def hexdigest(name: str, data: bytes) -> str:
    """The digest in hexadecimal; `name` is sha1, sha256 or sha512."""
    for module in (f"_{name}", "_sha2"):
        try:
            made: str = getattr(__import__(module), name)(data).hexdigest()
        except (ImportError, AttributeError):
            continue
        return made
    import hashlib

    return hashlib.new(name, data, usedforsecurity=False).hexdigest()
