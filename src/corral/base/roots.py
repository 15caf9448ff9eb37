"""The certificate authorities of the system, and how not to read them where nobody needs them."""

import os

#: Where OpenSSL is told to look instead of in its own places (SSL_CTX_set_default_verify_paths(3)).
PLACES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


class Unread:
    """Within it, modules are imported without reading the system's authorities.

    aiohttp makes two TLS contexts when it is imported, for requests that name none, and reads some hundred certificates for
    each: a quarter of its import, and 2 MB. Our requests all name their own context, so in our processes those two may trust
    nobody. In the processes of others (`corral.testing`) they may not.
    """

    def __enter__(self) -> None:
        self._before = {name: os.environ.get(name) for name in PLACES}
        os.environ.update(dict.fromkeys(PLACES, os.devnull))

    def __exit__(self, *_: object) -> None:
        for name, value in self._before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
