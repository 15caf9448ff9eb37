"""`corral rotate`: a new key for what is encrypted at rest, or for the tokens of service accounts.

The API server is started anew for it; pods run on. What the old key has sealed is written with the new one as it starts;
tokens that it has signed stay good until they end. The old keys stay in their files.
"""

import os
from argparse import ArgumentParser
from pathlib import Path

from corral.cli.arguments import add_home
from corral.cli.layout import DEFAULT_NAME, home_of
from corral.cli.up import STOP_GRACE_S, up


def arguments(parser: ArgumentParser, words: str) -> None:
    """What may be typed."""
    del words
    what = "encryption: of what is encrypted in the store; service-accounts: of service accounts' tokens"
    parser.add_argument("key", choices=("encryption", "service-accounts"), help=what)
    add_home(parser)


def rotate(key: str, *, data_dir: Path | None = None, name: str = DEFAULT_NAME) -> None:
    """Make a new key, and have the API server use it."""
    from corral.server.encryption import KEY_FILE
    from corral.server.encryption.keyfile import rotate as rotate_encryption
    from corral.server.pki import rotate_service_account_key

    home = home_of(data_dir, name)
    home.require()
    lock = home.lock()
    try:
        if key == "encryption":
            rotate_encryption(home.pki / KEY_FILE)
        else:
            rotate_service_account_key(home.pki)
        server = home.process("server")
        if server is not None:
            server.stop(STOP_GRACE_S)
    finally:
        os.close(lock)
    print(f"The cluster has a new key for {key}; the old one is kept beside it.")
    if server is not None:
        up(data_dir=home.root, no_merge=True)
