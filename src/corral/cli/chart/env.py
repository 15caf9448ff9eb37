"""Show the files and settings in use."""

import os

from corral.cli.chart import chartpath
from corral.cli.chart.options import Options, registry_config, repository_cache, repository_config

USAGE = "env [NAME]"
FLAGS = ()


def run(options: Options, arguments: list[str]) -> None:
    """Print them as a shell reads them."""
    settings = {
        "HELM_DRIVER": os.environ.get("HELM_DRIVER", ""),
        "HELM_KUBECONTEXT": options.kube_context or os.environ.get("HELM_KUBECONTEXT", ""),
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
