"""Fetching what a command line names and is not on disk: charts of repositories and registries, values of URLs."""

from contextlib import AbstractContextManager
from pathlib import Path

from corral.base.files import replace
from corral.charts.chart.errors import ChartError
from corral.charts.repositories import config, credentials, http, oci, resolve
from corral.charts.repositories.config import Repository
from corral.cli.chart.options import Options, registry_config, repository_cache, repository_config


def access(options: Options) -> Repository:
    """What the flags say about a repository."""
    return Repository(
        "",
        options.repo,
        options.username,
        options.password,
        options.ca_file,
        options.cert_file,
        options.key_file,
        options.insecure_skip_tls_verify,
        options.pass_credentials,
    )


def version(options: Options) -> str:
    """The version or range that is wanted."""
    return options.version or (">0.0.0-0" if options.devel else "")


def chart(options: Options, reference: str) -> Path:
    """A chart's archive, fetched into the cache. Raises ChartError."""
    cache = repository_cache(options)
    name, data, provenance = archive(options, reference)
    path = keep(cache, name, data, provenance)
    if options.verify:
        from corral.charts.provenance import verify

        verify(path, options.keyring)
    return path


def keep(folder: Path, name: str, data: bytes, provenance: bytes | None = None) -> Path:
    """Write an archive, and its provenance beside it; the path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / Path(name).name
    replace(path, data, mode=0o644)
    if provenance is not None:
        replace(path.with_name(path.name + ".prov"), provenance, mode=0o644)
    return path


def archive(options: Options, reference: str, *, tell: bool = False) -> tuple[str, bytes, bytes | None]:
    """An archive's file name and bytes, and its provenance where that is wanted."""
    wants_provenance = options.verify or options.values.get("prov")
    if reference.startswith(oci.SCHEME):
        pulled = pulled_of(options, reference)
        if tell:
            print(f"Pulled: {pulled.reference}\nDigest: {pulled.digest}")
        name = f"{pulled.reference.path.rsplit('/', 1)[-1]}-{pulled.reference.tag.replace('_', '+')}.tgz"
        return name, pulled.chart, pulled.provenance if wants_provenance else None
    repositories = config.load(repository_config(options))
    where = resolve.found(reference, version(options), access(options), repositories, repository_cache(options))
    if where.url.startswith(oci.SCHEME):
        return archive(options, where.url)
    provenance = None
    if wants_provenance:
        try:
            provenance = http.get(f"{where.url}.prov", where.access, credentials_of=where.access.url)
        except ChartError as error:
            if options.verify:
                raise ChartError(f'failed to fetch provenance "{where.url}.prov"', error.message) from None
            print(f"WARNING: Verification not found for {reference}: {error.message}")
    return where.file_name, resolve.archive(where), provenance


def pulled_of(options: Options, reference: str) -> oci.Pulled:
    """A chart of a registry. Raises ChartError."""
    wanted = oci.parse(reference)
    with registry(options, wanted.host) as found:
        return found.pull(found.resolve(wanted, version(options)))


def registry(options: Options, host: str) -> AbstractContextManager[oci.Registry]:
    """A registry, with the credentials that are given or kept."""
    login = (options.username, options.password) if options.values.get("username") else None
    login = login or credentials.of(registry_config(options), host)
    return oci.registry(host, access(options), login, plain_http=options.plain_http)


def content(options: Options, url: str) -> bytes:
    """What is at a URL: a file of values. Raises ChartError."""
    if not url.startswith(("http://", "https://", "file://")):
        raise ChartError(f"could not find protocol handler for: {url.partition(':')[0]}", "use http, https or file")
    repository = access(options) if "repo" in options.values else Repository("", url)
    return http.get(url, repository, credentials_of=url)
