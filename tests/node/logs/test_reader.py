import asyncio
import gzip

import pytest

from corral.base.clock import parse_rfc3339
from corral.node.logs.format import fixed, parse_line
from corral.node.logs.reader import LogOptions, read

STAMP = "2026-01-02T03:04:{:02d}.500000000Z"


def write(path, *lines, mode="w"):
    """Lines are texts of stdout, or (stream, tag, text)."""
    with path.open(mode) as file:
        for second, line in enumerate(lines):
            stream, tag, text = ("stdout", "F", line) if isinstance(line, str) else line
            file.write(f"{STAMP.format(second)} {stream} {tag} {text}\n")


def shown(path, running=lambda: False, **options):
    async def collect():
        return b"".join([piece async for piece in read(path, LogOptions(**options), running)]).decode()

    return asyncio.run(collect())


async def until(condition):
    while not condition():  # noqa: ASYNC110 (what is waited for is a file's reader)
        await asyncio.sleep(0.01)


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "0.log"
    write(path, "one", ("stderr", "F", "two"), "three")
    return path


def test_a_line_that_is_none():
    assert parse_line(b"nonsense\n") is None


def test_all_of_it(log):
    assert shown(log) == "one\ntwo\nthree\n"


def test_parts_of_a_long_line_are_joined(tmp_path):
    write(tmp_path / "0.log", ("stdout", "P", "ab"), ("stdout", "F", "c"), "d")
    assert shown(tmp_path / "0.log") == "abc\nd\n"
    assert shown(tmp_path / "0.log", timestamps=True).count("2026") == 2


@pytest.mark.parametrize(("lines", "text"), [(0, ""), (1, "three\n"), (2, "two\nthree\n"), (99, "one\ntwo\nthree\n")])
def test_the_end_of_it(log, lines, text):
    assert shown(log, tail_lines=lines) == text


def test_the_end_of_a_long_log(tmp_path):
    write(tmp_path / "0.log", *(f"{i:05d}" + "x" * 100 for i in range(5000)))
    assert shown(tmp_path / "0.log", tail_lines=2000).splitlines()[0].startswith("03000")


def test_an_unfinished_line_is_not_shown(log):
    with log.open("a") as file:
        file.write(f"{STAMP.format(9)} stdout F fo")
    assert shown(log, tail_lines=1) == "three\n"


def test_since_a_time(log):
    assert shown(log, since_s=parse_rfc3339("2026-01-02T03:04:02Z")) == "three\n"


def test_one_stream(log):
    assert shown(log, stream="Stderr") == "two\n"


def test_no_more_than_so_many_bytes(log):
    assert shown(log, limit_bytes=5) == "one\nt"
    assert shown(log, limit_bytes=5, follow=True, running=lambda: True) == "one\nt"


def test_timestamps(log):
    assert shown(log, timestamps=True, tail_lines=1) == f"{STAMP.format(2)} three\n"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (b"2026-01-02T03:04:05.123456789Z", b"2026-01-02T03:04:05.123456789Z"),
        (b"2026-01-02T03:04:05.12Z", b"2026-01-02T03:04:05.120000000Z"),
        (b"2026-01-02T03:04:05+02:00", b"2026-01-02T03:04:05.000000000+02:00"),
        (b"yesterday", b"yesterday"),
    ],
)
def test_times_have_nine_digits(written, told):
    assert fixed(written) == told


def test_options_of_a_request():
    options = LogOptions.of_query({"follow": "true", "tailLines": "0", "sinceSeconds": "10"}, 100.0)
    assert (options.follow, options.tail_lines, options.since_s, options.limit_bytes) == (True, 0, 90.0, -1)
    assert LogOptions.of_query({}, 100.0) == LogOptions()


async def test_following_goes_on_until_the_container_ends(log):
    alive = True
    seen = []

    async def follow():
        async for piece in read(log, LogOptions(follow=True, tail_lines=0), lambda: alive):
            seen.append(piece.decode())

    task = asyncio.create_task(follow())
    async with asyncio.timeout(5):
        while not seen:
            write(log, "four", mode="a")
            await asyncio.sleep(0.01)
        alive = False
        write(log, "five", mode="a")
        await task
    assert seen[0].startswith("four\n")
    assert seen[-1].endswith("five\n")


async def test_following_goes_on_in_the_new_file_after_a_rotation(log):
    seen = ""
    alive = True

    async def follow():
        nonlocal seen
        async for piece in read(log, LogOptions(follow=True), lambda: alive):
            seen += piece.decode()

    task = asyncio.create_task(follow())
    async with asyncio.timeout(5):
        await until(lambda: "three" in seen)
        write(log, "last", mode="a")
        log.rename(log.with_name("0.log.old"))
        write(log, "first")
        await until(lambda: "first" in seen)
        alive = False
        write(log, "end", mode="a")
        await task
    assert seen == "one\ntwo\nthree\nlast\nfirst\nend\n"


async def test_last_lines_of_a_rotated_log_are_not_lost(log):
    """The runtime may write to the old file after it has made the new one."""
    pieces = read(log, LogOptions(follow=True, tail_lines=0), lambda: True)
    async with asyncio.timeout(5):
        with log.open("a") as old:
            following = asyncio.ensure_future(anext(pieces))
            await asyncio.sleep(0)
            log.rename(log.with_name("0.log.20260101-120000"))
            write(log, "new")
            old.write(f"{STAMP.format(8)} stdout F late\n")
            old.flush()
            assert await following == b"late\n"
            old.write(f"{STAMP.format(9)} stdout F later\n")
        seen = b""
        while not seen.endswith(b"new\n"):
            seen += await anext(pieces)
        assert seen == b"later\nnew\n"
    await pieces.aclose()


async def test_a_reader_that_is_several_rotations_behind_reads_them_all(log):
    pieces = read(log, LogOptions(follow=True), lambda: False)
    async with asyncio.timeout(5):
        assert await anext(pieces) == b"one\ntwo\nthree\n"
        log.rename(log.with_name("0.log.20260101-120000"))
        write(log, "second")
        with gzip.open(log.with_name("0.log.20260101-120010.gz"), "wb") as packed:
            packed.write(log.read_bytes())
        log.unlink()
        write(log.with_name("0.log.20260101-120020"), "third")
        write(log, "fourth")
        assert b"".join([piece async for piece in pieces]) == b"second\nthird\nfourth\n"
