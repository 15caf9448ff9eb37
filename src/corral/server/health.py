"""Health: `/healthz`, `/livez`, `/readyz`, each with its checks, and `/version`.

See https://kubernetes.io/docs/reference/using-api/health-checks/.
"""

import platform
from collections.abc import Awaitable, Callable, Mapping

from corral.api.objects import Object
from corral.server.request import TEXT, Request, Response

VERSION = "v1.36.2"

#: A check returns nothing when all is well, and says what is wrong by raising.
Check = Callable[[], Awaitable[None]]


def version() -> Object:
    """The version of Kubernetes that this server is."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return {
        "major": "1",
        "minor": "36",
        "emulationMajor": "1",
        "emulationMinor": "36",
        "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "35",
        "gitVersion": VERSION,
        "gitCommit": "corral",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": f"python{platform.python_version()}",
        "compiler": platform.python_implementation(),
        "platform": f"linux/{machine}",
    }


class Health:
    """The endpoints and their checks."""

    def __init__(self, live: Mapping[str, Check], ready: Mapping[str, Check]) -> None:
        self._checks: dict[str, dict[str, Check]] = {
            "healthz": dict(live),
            "livez": dict(live),
            "readyz": {**live, **ready},
        }

    def paths(self) -> list[str]:
        """Every path there is."""
        return [path for name, checks in self._checks.items() for path in (f"/{name}", *(f"/{name}/{c}" for c in checks))]

    async def handle(self, request: Request) -> Response | None:
        """The answer of a health path; None for any other path."""
        name, _, wanted = request.path.strip("/").partition("/")
        checks = self._checks.get(name)
        if checks is None or (wanted and wanted not in checks):
            return None
        if wanted:
            checks = {wanted: checks[wanted]}
        excluded = getattr(request.query, "all", lambda name: [request.query.get(name, "")])("exclude")
        lines, failed = [], []
        for check, run in checks.items():
            if check in excluded:
                lines.append(f"[+]{check} excluded: ok")
                continue
            try:
                await run()
                lines.append(f"[+]{check} ok")
            except Exception as error:
                lines.append(
                    f"[-]{check} failed: {error}" if "verbose" in request.query else f"[-]{check} failed: reason withheld"
                )
                failed.append(check)
        if failed:
            lines.append(f"{name} check failed")
            return Response(500, ("\n".join(lines) + "\n").encode(), TEXT)
        if "verbose" in request.query:
            lines.append(f"{name} check passed")
            return Response(200, ("\n".join(lines) + "\n").encode(), TEXT)
        return Response(200, b"ok", TEXT, headers={"X-Content-Type-Options": "nosniff"})
