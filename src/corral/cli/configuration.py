"""`corral up --config FILE`: configuration files of the API server, checked and put where it reads them.

What a file is, its `kind` says; kubeconfigs of webhooks are told apart by their names. See `server.configfiles`.
"""

from pathlib import Path

from corral.base.annotations import Any, Callable, Iterable, Mapping
from corral.base.errors import CorralError
from corral.base.files import replace
from corral.cli.layout import Home


def checked(files: Iterable[Path]) -> dict[str, bytes]:
    """What the files hold, by the names under which the server reads them. Raises CorralError where one is wrong."""
    return {_name(path): path.read_bytes() for path in files}


def open_id(issuer_url: str, client_id: str) -> dict[str, bytes]:
    """The authentication file of one OpenID provider, by its name; nothing where none is asked for. Raises CorralError."""
    if not issuer_url and not client_id:
        return {}
    if not issuer_url.startswith("https://") or not client_id:
        raise CorralError(
            "an OpenID provider is named by its address and the audience of its tokens",
            "give --oidc-issuer-url https://... and --oidc-client-id ID",
        )
    import yaml

    from corral.server import configfiles
    from corral.server.authentication.configuration import simple

    return {configfiles.AUTHENTICATION: yaml.safe_dump(simple(issuer_url, client_id), sort_keys=False).encode()}


def place(home: Home, found: Mapping[str, bytes]) -> bool:
    """Put files into the cluster's `config` folder; whether one of them says something new."""
    folder = home.root / "config"
    changed = False
    for name, data in found.items():
        target = folder / name
        if not target.exists() or target.read_bytes() != data:
            folder.mkdir(mode=0o700, exist_ok=True)
            replace(target, data, durable=True)
            changed = True
    return changed


def _name(path: Path) -> str:
    """What the file is called in the folder. Raises CorralError where it is wrong, or nothing that the server reads."""
    import yaml

    from corral.server import configfiles
    from corral.server.audit import load_policy
    from corral.server.authentication import configuration
    from corral.server.encryption.configuration import load_configuration

    kinds: dict[str, tuple[str, Callable[[Path], Any]]] = {
        "Policy": (configfiles.AUDIT_POLICY, load_policy),
        "AuthenticationConfiguration": (configfiles.AUTHENTICATION, configuration.load),
        "EncryptionConfiguration": (configfiles.ENCRYPTION, load_configuration),
    }
    try:
        found = yaml.safe_load(path.read_text())
    except OSError as error:
        raise CorralError(f"cannot read {path}: {error.strerror}", "name a file that is there: --config FILE") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CorralError(f"{path} is no YAML: {error}", "correct the file") from None
    kind = found.get("kind") if isinstance(found, dict) else None
    if kind == "Config":
        webhooks = (configfiles.AUDIT_WEBHOOK, configfiles.TOKEN_WEBHOOK, configfiles.AUTHORIZATION_WEBHOOK)
        if path.name not in webhooks:
            raise CorralError(f"{path} is a kubeconfig, of which webhook?", f"call it {' or '.join(webhooks)}")
        return path.name
    if kind not in kinds:
        raise CorralError(f"{path} is nothing that the server reads", f"its kind is one of: {', '.join(kinds)}, Config")
    name, check = kinds[kind]
    check(path)
    return name
