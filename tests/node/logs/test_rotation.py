import gzip

from corral.node.logs.rotation import rotate, rotated


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
