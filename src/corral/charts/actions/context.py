"""What every action is given: the cluster, the store of releases, the clock, and where progress is told."""

import time
from datetime import datetime

from corral.base.annotations import Callable, NamedTuple
from corral.charts.actions.cluster import Cluster
from corral.charts.actions.waiting import Tell, silent
from corral.charts.hooks.run import run as run_hooks
from corral.charts.manifests.split import Hook
from corral.charts.releases.model import Release
from corral.charts.releases.storage import Releases

DEFAULT_TIMEOUT_S = 300.0


class Waits(NamedTuple):
    """How an action waits. `atomic` undoes what fails, and waits."""

    ready: bool = False
    jobs: bool = False
    timeout_s: float = DEFAULT_TIMEOUT_S
    hooks: bool = True


class Context:
    """Shared by the actions of one command. `clock` gives seconds since the epoch."""

    def __init__(
        self, cluster: Cluster, releases: Releases, *, tell: Tell = silent, clock: Callable[[], float] = time.time
    ) -> None:
        self.cluster = cluster
        self.releases = releases
        self.tell = tell
        self._clock = clock

    @property
    def namespace(self) -> str:
        """The namespace of the releases."""
        return self.cluster.namespace

    def debug(self, text: str) -> None:
        """Tell what is being done to those who want to follow every step."""
        self.cluster.debug(text)

    def now(self) -> str:
        """The time as Helm stores it: RFC 3339 with a fraction and the zone's offset."""
        when = datetime.fromtimestamp(self._clock()).astimezone()
        fraction = f".{when.microsecond:06d}".rstrip("0").rstrip(".")
        return f"{when:%Y-%m-%dT%H:%M:%S}{fraction}{when.isoformat()[-6:]}".replace("+00:00", "Z")

    def hooks(self, release: Release, event: str, waits: Waits, wanted: Callable[[Hook], bool] | None = None) -> None:
        """Run the hooks of an event, unless they are not wanted. Raises ChartError."""
        if not waits.hooks:
            return
        run_hooks(
            self.cluster,
            release,
            event,
            timeout_s=waits.timeout_s,
            now=self.now,
            record=lambda: self.record(release),
            tell=self.tell,
            wanted=wanted or (lambda hook: True),
        )

    def create(self, release: Release) -> None:
        """Store a new revision."""
        self.releases.create(release, self._clock())

    def record(self, release: Release) -> None:
        """Store what has become of a revision."""
        self.releases.update(release, self._clock())
