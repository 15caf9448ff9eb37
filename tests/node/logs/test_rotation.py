import gzip
from pathlib import Path

from corral.node.config import NodeConfig
from corral.node.logs.rotation import look, rotate, rotated

NOON_S = 1_767_268_800


class Reopening:
    """The one call of the runtime that rotation makes."""

    def __init__(self, path):
        self._path = path

    async def reopen_log(self, id):
        self._path.write_text(f"new of {id}\n")


async def test_a_log_is_renamed_older_ones_compressed_and_the_oldest_removed(tmp_path):
    path = tmp_path / "0.log"
    for day in range(1, 8):
        path.write_text(f"day {day}\n")
        await rotate(Reopening(path), "c1", path, 5, 1_767_225_600 + day * 86400)
    assert path.read_text() == "new of c1\n"
    names = [p.name for p in rotated(path)]
    assert names == [
        "0.log.20260105-000000.gz",
        "0.log.20260106-000000.gz",
        "0.log.20260107-000000.gz",
        "0.log.20260108-000000",
    ]
    assert gzip.decompress((tmp_path / names[0]).read_bytes()) == b"day 4\n"


async def test_two_rotations_in_one_second_keep_the_first(tmp_path):
    path = tmp_path / "0.log"
    path.write_text("first\n")
    await rotate(Reopening(path), "c1", path, 5, NOON_S)
    path.write_text("second\n")
    await rotate(Reopening(path), "c1", path, 5, NOON_S + 0.5)
    assert path.read_text() == "second\n"
    assert [p.read_text() for p in rotated(path)] == ["first\n"]


async def test_only_a_large_log_is_rotated(tmp_path):
    path = tmp_path / "0.log"
    config = NodeConfig("c", "n", "", Path("/none"), "", log_max_bytes=4)
    path.write_text("four")
    await look(config, Reopening(path), "c1", path, NOON_S)
    assert rotated(path) == []
    path.write_text("five.")
    await look(config, Reopening(path), "c1", path, NOON_S)
    assert [p.read_text() for p in rotated(path)] == ["five."]


async def test_a_rotation_that_was_cut_short_is_finished(tmp_path):
    path = tmp_path / "0.log"
    path.with_name("0.log.20260101-120000").write_text("renamed, and then the agent was killed\n")
    await look(NodeConfig("c", "n", "", Path("/none"), ""), Reopening(path), "c1", path, NOON_S)
    assert path.read_text() == "new of c1\n"
