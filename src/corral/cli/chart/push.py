"""Send an archive to a registry: `corral chart push NAME-1.2.3.tgz oci://HOST/PATH`."""

from pathlib import Path

from corral.base.errors import CorralError
from corral.charts.chart.load import load_archive
from corral.charts.repositories import oci
from corral.cli.chart import fetching
from corral.cli.chart.flags import UsageError
from corral.cli.chart.options import CHART, Options

USAGE = "push ARCHIVE oci://HOST/PATH [flags]"
_WANTED = ("username", "password", "ca-file", "cert-file", "key-file", "insecure-skip-tls-verify", "plain-http")
FLAGS = tuple(f if f.name in _WANTED else f.concealed() for f in CHART)


def run(options: Options, arguments: list[str]) -> None:
    """Send it and say where it is."""
    if len(arguments) != 2:
        raise UsageError('"corral chart push" requires 2 arguments', f"Usage:  corral chart {USAGE}")
    path, remote = Path(arguments[0]), arguments[1]
    if not remote.startswith(oci.SCHEME):
        raise CorralError(f'scheme prefix missing from remote (e.g. "{oci.SCHEME}")', f"corral chart {USAGE}")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CorralError(f"stat {path}: {(error.strerror or '').lower()}", "pack it: corral chart package FOLDER") from None
    chart = load_archive(data, str(path))
    place = oci.parse(f"{remote.removeprefix(oci.SCHEME).rstrip('/')}/{chart.name}")
    reference = place._replace(tag=chart.version.replace("+", "_"))
    provenance = path.with_name(path.name + ".prov")
    signed = provenance.read_bytes() if provenance.exists() else None
    with fetching.registry(options, reference.host) as registry:
        digest = registry.push(reference, data, chart.metadata, signed)
    print(f"Pushed: {reference}\nDigest: {digest}")
