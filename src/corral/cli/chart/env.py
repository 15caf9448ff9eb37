"""Show the files and settings in use."""

import os

from corral.cli.chart import chartpath
from corral.cli.chart.flags import UsageError
from corral.cli.chart.options import HISTORY_MAX, Options, access, home, registry_config, repository_cache, repository_config

USAGE = "env [NAME]"
FLAGS = ()


def run(options: Options, arguments: list[str]) -> None:
    """Print them as a shell reads them."""
    if len(arguments) > 1:
        raise UsageError('"corral chart env" accepts at most 1 argument', f"Usage:  corral chart {USAGE}")
    found = access(options)
    settings = {
        "HELM_CACHE_HOME": str(home("CACHE")),
        "HELM_CONFIG_HOME": str(home("CONFIG")),
        "HELM_DATA_HOME": str(home("DATA")),
        "HELM_DEBUG": str(options.debug).lower(),
        "HELM_DRIVER": os.environ.get("HELM_DRIVER", ""),
        "HELM_KUBEAPISERVER": found.server,
        "HELM_KUBEASGROUPS": ",".join(found.as_groups),
        "HELM_KUBEASUSER": found.as_user,
        "HELM_KUBECAFILE": found.ca_file,
        "HELM_KUBECONTEXT": found.context,
        "HELM_KUBEINSECURE_SKIP_TLS_VERIFY": str(found.insecure).lower(),
        "HELM_KUBETLS_SERVER_NAME": found.tls_name,
        "HELM_MAX_HISTORY": os.environ.get("HELM_MAX_HISTORY") or str(HISTORY_MAX.default),
        "HELM_NAMESPACE": chartpath.namespace(options),
        "HELM_REGISTRY_CONFIG": str(registry_config(options)),
        "HELM_REPOSITORY_CACHE": str(repository_cache(options)),
        "HELM_REPOSITORY_CONFIG": str(repository_config(options)),
        "KUBECONFIG": options.kubeconfig or os.environ.get("KUBECONFIG", ""),
    }
    if arguments:
        print(settings.get(arguments[0], ""))
        return
    for name, value in settings.items():
        print(f'{name}="{value}"')
