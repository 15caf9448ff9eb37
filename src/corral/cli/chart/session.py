"""From a command line to a cluster: the kubeconfig, the connection, and the context that actions are given."""

import os
from contextlib import contextmanager

from corral.base.annotations import TYPE_CHECKING, Iterator
from corral.charts import names
from corral.charts.releases.model import Release
from corral.charts.releases.storage import Releases
from corral.cli.chart import progress
from corral.cli.chart.options import Options, access
from corral.client.blocking import Api
from corral.client.connect import find

if TYPE_CHECKING:
    from corral.charts.actions.context import Context
    from corral.charts.actions.waiting import Tell


@contextmanager
def reached(options: Options) -> Iterator[tuple[Api, str]]:
    """The API and the namespace to work in."""
    found = find(access(options))
    api = Api(found, "helm")
    try:
        yield api, options.namespace or os.environ.get("HELM_NAMESPACE") or found.namespace
    finally:
        api.close()


@contextmanager
def stored(options: Options, *, everywhere: bool = False) -> Iterator[Releases]:
    """The releases of the namespace, or of all, for commands that only read them."""
    with reached(options) as (api, namespace):
        yield _releases(options, api, "" if everywhere else namespace)


@contextmanager
def connected(options: Options, tell: "Tell | None" = None) -> "Iterator[Context]":
    """The context of one command that changes something, and can be stopped."""
    from corral.api.facts import catalog
    from corral.charts.actions.cluster import Cluster
    from corral.charts.actions.context import Context
    from corral.charts.actions.waiting import silent

    with reached(options) as (api, namespace), _stoppable():
        cluster = Cluster(api, catalog(), namespace, lambda text: progress.debug(options, text))
        yield Context(cluster, _releases(options, api, namespace), tell=tell or silent)


@contextmanager
def _stoppable() -> Iterator[None]:
    """Within it SIGTERM is what Ctrl-C is: the action cleans up and fails; a second one ends it at once."""
    import signal  # loaded with the connection

    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def released(options: Options, name: str, version: int = 0) -> Release:
    """A revision of a release; the newest where `version` is 0. Raises NotFoundError."""
    names.check(name)
    with stored(options) as releases:
        return releases.get(name, version)


def _releases(options: Options, api: Api, namespace: str) -> Releases:
    limit = options.values.get("history_max") or 0
    told = os.environ.get("HELM_MAX_HISTORY", "")
    if limit and "--history-max" not in options.given and told.isdecimal():
        limit = int(told)
    return Releases(api, namespace, os.environ.get("HELM_DRIVER", ""), max_history=limit)
