"""The audit log's file: events a line, written together, rotated by size."""

import asyncio
import stat
from pathlib import Path

from corral.server.audit import AuditLog


def test_an_event_is_a_line_that_only_the_owner_may_read(tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "server" / "audit.log"
        audit = AuditLog(path)
        audit.write(b'{"a":1}')
        audit.write(b'{"a":2}')
        audit.close()
        assert path.read_bytes() == b'{"a":1}\n{"a":2}\n'
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    asyncio.run(story())


def test_lines_wait_for_each_other_until_flushed(tmp_path: Path) -> None:
    async def story() -> None:
        audit = AuditLog(tmp_path / "audit.log")
        audit.write(b"{}")
        assert (tmp_path / "audit.log").read_bytes() == b""
        audit.flush()
        assert (tmp_path / "audit.log").read_bytes() == b"{}\n"

    asyncio.run(story())


def test_a_grown_file_is_put_aside_and_the_oldest_goes(tmp_path: Path) -> None:
    async def story() -> None:
        audit = AuditLog(tmp_path / "audit.log", max_bytes=10, kept_files=2)
        for name in (b"a", b"b", b"c", b"d"):
            audit.write(name * 20)
            audit.flush()
        audit.close()
        assert sorted(p.name for p in tmp_path.iterdir()) == ["audit.log", "audit.log.1", "audit.log.2"]
        assert [(tmp_path / f"audit.log.{i}").read_bytes()[:1] for i in (1, 2)] == [b"d", b"c"]

    asyncio.run(story())
