"""Registries: log in and out. Credentials are kept where Helm keeps them."""

import getpass
import sys

from corral.base.errors import CorralError
from corral.charts.repositories import credentials, oci
from corral.charts.repositories.config import Repository
from corral.cli.chart.flags import Flag, UsageError
from corral.cli.chart.options import Options, registry_config
from corral.cli.chart.output import warn

USAGE = {"registry login": "registry login HOST [flags]", "registry logout": "registry logout HOST [flags]"}
FLAGS = {
    "registry login": (
        Flag("username", "string", "the user", "u"),
        Flag("password", "string", "the password, or a token", "p"),
        Flag("password-stdin", "bool", "read it from standard input"),
        Flag("insecure", "bool", "do not check the registry's certificate"),
        Flag("plain-http", "bool", "HTTP without TLS"),
        Flag("ca-file", "string", "the authority of the registry's certificate"),
        Flag("cert-file", "string", "a certificate to show"),
        Flag("key-file", "string", "its key"),
    ),
    "registry logout": (),
}


def run(options: Options, arguments: list[str]) -> None:
    """Log in or out."""
    command = options.values["command"]
    if len(arguments) != 1:
        raise UsageError(f'"corral chart {command}" requires 1 argument', f"Usage:  corral chart {USAGE[command]}")
    host = arguments[0].removeprefix(oci.SCHEME).removeprefix("https://").rstrip("/")
    path = registry_config(options)
    if command == "registry logout":
        if not credentials.forget(path, host):
            raise CorralError("not logged in", f"who is, is written in {path}")
        print(f"Removing login credentials for {host}")
        return
    user, password = _asked(options)
    _checked(options, host, user, password)
    credentials.keep(path, host, user, password)
    print("Login Succeeded")


def _asked(options: Options) -> tuple[str, str]:
    user = options.username or (input("Username: ") if sys.stdin.isatty() and not options.password_stdin else "")
    if options.password_stdin:
        return user, sys.stdin.read().rstrip("\r\n")
    if options.password:
        warn("WARNING: Using --password via the CLI is insecure. Use --password-stdin.")
        return user, options.password
    if not sys.stdin.isatty():
        raise UsageError("a password is needed", "give it on standard input: --password-stdin")
    return user, getpass.getpass("Password: ")


def _checked(options: Options, host: str, user: str, password: str) -> None:
    access = Repository("", f"oci://{host}", "", "", options.ca_file, options.cert_file, options.key_file, options.insecure)
    with oci.registry(host, access, (user, password), plain_http=options.plain_http) as registry:
        registry.check()
