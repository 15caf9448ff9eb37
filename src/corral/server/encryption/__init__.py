"""What is encrypted at rest: values are sealed between the server and the store, and opened when they are read.

Secrets always are, with a key of the cluster's own (`pki/encryption.key`); a file says more (`configuration`). What lies in
the store under an old key is written anew when the server starts (`rewriting`). Outside: the store itself, TLS.
See https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/.
"""

from pathlib import Path

from corral.server.configfiles import ENCRYPTION, FOLDER
from corral.server.encryption.configuration import load_configuration
from corral.server.encryption.keyfile import load_keys
from corral.server.encryption.rewriting import rewrite
from corral.server.encryption.sealer import Rule, Sealer

__all__ = ["Rule", "Sealer", "load", "rewrite"]

#: In the directory of the cluster's keys.
KEY_FILE = "encryption.key"


def load(data_dir: Path) -> Sealer:
    """The sealer of a cluster: by its `config/encryption.yaml`, and its own key for Secrets that the file does not name.

    Raises CorralError where a file cannot be read or is wrong.
    """
    rules = load_configuration(data_dir / FOLDER / ENCRYPTION)
    own = load_keys(data_dir / "pki" / KEY_FILE)
    return Sealer([*rules, Rule(("secrets",), tuple(own))], readable=own)
