"""The audit log says who asked for what, and nothing that is secret."""

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

from corral.api.resources import Resource
from corral.server.audit import AuditLog
from corral.server.request import Request, User
from corral.testing.clock import VirtualClock

PODS = Resource("", "v1", "pods", "Pod", "pod", True, ("get",))
ANN = User("ann", groups=("dev",))


def get_pod(**more: Any) -> Request:
    path = "/api/v1/namespaces/x/pods/web"
    headers = {"User-Agent": "kubectl/v1.36", "Authorization": "Bearer hush"}
    found: dict[str, Any] = {
        "user": ANN,
        "remote": "10.0.0.7",
        "verb": "get",
        "resource": PODS,
        "namespace": "x",
        "name": "web",
    }
    return Request("GET", path, {}, headers, body=b"hush", **{**found, **more})


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_request_is_one_line(tmp_path: Path) -> None:
    async def story() -> None:
        clock = VirtualClock()
        audit = AuditLog(tmp_path / "server" / "audit.log", clock)
        audit.record(get_pod(), clock.now(), 200)
        audit.close()
        path = tmp_path / "server" / "audit.log"
        (event,) = lines(path)
        assert event["user"] == {"username": "ann", "groups": ["dev"]}
        assert event["objectRef"] == {"resource": "pods", "namespace": "x", "name": "web", "apiVersion": "v1"}
        assert (event["verb"], event["responseStatus"]["code"], event["stage"]) == ("get", 200, "ResponseComplete")
        assert "hush" not in path.read_text()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    asyncio.run(story())


def test_impersonation_names_both(tmp_path: Path) -> None:
    async def story() -> None:
        clock = VirtualClock()
        audit = AuditLog(tmp_path / "audit.log", clock)
        audit.record(get_pod(actor=User("admin")), clock.now(), 403, message="no")
        audit.close()
        (event,) = lines(tmp_path / "audit.log")
        assert (event["user"]["username"], event["impersonatedUser"]["username"]) == ("admin", "ann")

    asyncio.run(story())


def test_lines_wait_for_each_other_at_most_a_second(tmp_path: Path) -> None:
    async def story() -> None:
        clock = VirtualClock()
        audit = AuditLog(tmp_path / "audit.log", clock)
        audit.record(get_pod(), clock.now(), 200)
        assert not lines(tmp_path / "audit.log")
        audit.flush()
        assert len(lines(tmp_path / "audit.log")) == 1

    asyncio.run(story())


def test_a_grown_file_is_put_aside_and_the_oldest_goes(tmp_path: Path) -> None:
    async def story() -> None:
        clock = VirtualClock()
        audit = AuditLog(tmp_path / "audit.log", clock, max_bytes=100, kept_files=2)
        for name in "abcd":
            audit.record(get_pod(name=name), clock.now(), 200)
            audit.flush()
        audit.close()
        assert sorted(p.name for p in tmp_path.iterdir()) == ["audit.log", "audit.log.1", "audit.log.2"]
        assert [lines(tmp_path / f"audit.log.{i}")[0]["objectRef"]["name"] for i in (1, 2)] == ["d", "c"]

    asyncio.run(story())


def test_health_checks_are_not_noted(tmp_path: Path) -> None:
    async def story() -> None:
        clock = VirtualClock()
        audit = AuditLog(tmp_path / "audit.log", clock)
        audit.record(Request("GET", "/readyz", {}, {}), clock.now(), 200)
        audit.close()
        assert not lines(tmp_path / "audit.log")

    asyncio.run(story())
