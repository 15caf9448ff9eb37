"""Charts that mean harm, or are broken beyond use: a clear error, nothing written outside, nothing that grows without bound."""

import gzip
import io
import os
import tarfile
import zlib

import pytest

from corral.charts.chart import load as loading
from corral.charts.chart.errors import ChartError
from corral.charts.chart.load import load, load_archive
from corral.charts.releases import codec
from corral.charts.releases.codec import decode
from corral.charts.releases.model import Release
from corral.charts.values.options import ValueOptions
from corral.charts.values.setting import apply
from corral.cli.chart.pull import unpack

CHART = b"apiVersion: v2\nname: x\nversion: 0.1.0\n"


def archive(*members, chart=CHART):
    """A .tgz of (name, content or a TarInfo's changes)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as tar:
        for name, content in (("x/Chart.yaml", chart), *members):
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            else:
                for key, value in content.items():
                    setattr(info, key, value)
                tar.addfile(info)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x/../../evil", "parent directory"),
        ("x/..", "parent directory"),
        ("../evil", None),
        ("x//etc/passwd", "absolute paths"),
        ("x\\..\\..\\evil", "parent directory"),
        ("x/c:/evil", "illegally named"),
        ("x", "outside the base directory"),
        ("Chart.yaml", "outside the base directory"),
    ],
)
def test_an_archive_never_leaves_its_folder(name, message, tmp_path):
    data = archive((name, b"evil"))
    if message is None:
        load_archive(data, "x")  # the first part of a path is the chart's folder, whatever it is called
    else:
        with pytest.raises(ChartError, match=message):
            load_archive(data, "x")
        with pytest.raises(ChartError, match=message):
            unpack(data, "x", tmp_path / "in")
    assert not (tmp_path / "evil").exists()
    assert not (tmp_path / "in/evil").exists()


def test_links_in_an_archive_are_not_followed(tmp_path):
    data = archive(
        ("x/link", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}),
        ("x/hard", {"type": tarfile.LNKTYPE, "linkname": "x/Chart.yaml"}),
    )
    assert {f.name: f.data for f in load_archive(data, "x").files} == {"link": b"", "hard": b""}
    unpack(data, "x", tmp_path)
    assert not (tmp_path / "x/link").is_symlink()


def test_the_name_in_an_archive_is_no_path(tmp_path):
    from corral.base.errors import CorralError

    for name in ("../evil", "..", "/evil", "a/b"):
        with pytest.raises(CorralError):
            unpack(archive(chart=f"apiVersion: v2\nname: {name}\nversion: 0.1.0\n".encode()), "x", tmp_path / "in")
    assert not (tmp_path / "evil").exists()


@pytest.fixture
def small(monkeypatch):
    """The bounds a tenth of what they are, so that reaching them takes no time."""
    monkeypatch.setattr(loading, "MAX_CHART_BYTES", 10 * 1024 * 1024)
    monkeypatch.setattr(loading, "MAX_FILES", 2000)


def test_bombs_are_bounded(small):
    mebibyte = b"\0" * (1024 * 1024)
    big = archive(*((f"x/f{i}", mebibyte) for i in range(11)))
    assert len(big) < 100_000
    with pytest.raises(ChartError, match="larger than the maximum size"):
        load_archive(big, "x")
    with pytest.raises(ChartError, match="larger than the maximum file size"):
        load_archive(archive(("x/f", mebibyte * 6)), "x")
    with pytest.raises(ChartError, match="more than 2000 files"):
        load_archive(archive(*((f"x/{i}", b"") for i in range(2001))), "x")


def test_bombs_within_bombs_share_their_bound(small):
    inner = archive(*((f"x/f{i}", b"\0" * (1024 * 1024)) for i in range(4)))
    outer = archive(*((f"x/charts/c{i}.tgz", inner) for i in range(4)))
    with pytest.raises(ChartError, match="larger than the maximum size"):
        load_archive(outer, "x")


def test_headers_without_end(small, monkeypatch):
    monkeypatch.setattr(loading, "MAX_HEADER_BYTES", 20_000)
    name = tarfile.TarInfo("x/name")
    name.type, name.size = tarfile.GNUTYPE_LONGNAME, 1 << 33
    header = tarfile.TarInfo("x/header")
    header.type, header.size = tarfile.XHDTYPE, 9
    for data in (
        name.tobuf(tarfile.GNU_FORMAT) + b"\0" * 100_000,
        (header.tobuf(tarfile.USTAR_FORMAT) + b"9 a=bbbb\n".ljust(512, b"\0")) * 100,
    ):
        with pytest.raises(ChartError, match="headers without end"):
            load_archive(gzip.compress(data), "x")


def test_a_file_that_claims_more_than_there_is():
    sparse = tarfile.TarInfo("x/sparse")
    sparse.type, sparse.size = tarfile.GNUTYPE_SPARSE, 1 << 62
    header = bytearray(sparse.tobuf(tarfile.GNU_FORMAT))
    header[148:156] = b" " * 8
    header[483:495] = b"%011o\0" % 1  # its size when unpacked
    header[148:156] = b"%06o\0 " % sum(header)
    with pytest.raises(ChartError, match="does not appear to be a valid chart file"):
        load_archive(gzip.compress(bytes(header)), "x")


_NO_ARCHIVES = {
    "nothing": b"",
    "text": b"hello",
    "a beginning": b"\x1f\x8b",
    "no tar": gzip.compress(b"no tar"),
    "cut off": archive()[:60],
    "zlib": zlib.compress(b"x"),
}


@pytest.mark.parametrize("data", _NO_ARCHIVES.values(), ids=_NO_ARCHIVES)
def test_what_is_no_archive(data):
    with pytest.raises(ChartError):
        load_archive(data, "x.tgz")


def test_folders_with_odd_files(tmp_path):
    folder = tmp_path / "x"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_bytes(CHART)
    (folder / "loop").symlink_to(folder)
    with pytest.raises(ChartError, match="links to a folder that it is in"):
        load(folder)
    (folder / "loop").unlink()
    (folder / "broken").symlink_to("/no/such/file")
    with pytest.raises(ChartError, match="error evaluating symlink"):
        load(folder)
    (folder / "broken").unlink()
    os.mkfifo(folder / "pipe")
    with pytest.raises(ChartError, match="cannot load irregular file"):
        load(folder)


def test_aliases_that_grow_and_depth_without_end(tmp_path):
    folder = tmp_path / "x"
    folder.mkdir()
    (folder / "Chart.yaml").write_bytes(CHART)
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(9)
    )
    for text in (bomb, "a: " + "[" * 20_000, "\n".join(" " * i + "a:" for i in range(3_000))):
        (folder / "values.yaml").write_text(text)
        with pytest.raises(ChartError, match=r"cannot load values\.yaml"):
            load(folder)
    (folder / "values.yaml").write_bytes(b"x" * (6 * 1024 * 1024))
    with pytest.raises(ChartError, match="larger than the maximum file size"):
        load(folder)


def test_a_value_with_bytes_that_are_no_utf8_is_stored():
    stored = decode(codec.encode(Release("a", "b", 1, {"x": "b\udcff\ud800"}, stored_chart={})))
    assert stored.config == {"x": "b\ufffd\ufffd"}


def test_options_that_would_grow_without_bound():
    for text in ("a[70000]=1", "a[-1]=1", ".".join("a" * 100) + "=1", "a" + "[0]" * 100 + "=1"):
        with pytest.raises(ChartError):
            apply({}, text)


def test_a_file_of_values_that_is_too_long_is_not_cut():
    for options in (ValueOptions(set_file=["a=/dev/zero"]), ValueOptions(files=["/dev/zero"])):
        with pytest.raises(ChartError, match="/dev/zero: more than 20971520 bytes are too many"):
            options.merged()


def test_a_stored_release_that_is_damaged_or_a_bomb(monkeypatch):
    import base64

    monkeypatch.setattr(codec, "MAX_RELEASE_BYTES", 1_000_000)

    for data in (
        b"!",
        base64.b64encode(b"{"),
        base64.b64encode(b"[]"),
        base64.b64encode(b"{}"),
        base64.b64encode(b"\x1f\x8bxx"),
    ):
        with pytest.raises(ChartError, match="a stored release is damaged"):
            decode(data)
    with pytest.raises(ChartError, match="larger than"):
        decode(base64.b64encode(gzip.compress(b"\0" * 1_000_001)))
