import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corral.server.streams.spdy import (
    DICTIONARY,
    Data,
    Frame,
    Framer,
    GoAway,
    MoreHeaders,
    Ping,
    ProtocolError,
    RstStream,
    Settings,
    SynReply,
    SynStream,
    WindowUpdate,
)

NUMBERS = st.integers(1, 2**31 - 1)
HEADERS = st.dictionaries(st.text(st.characters(codec="ascii", categories=["Ll"]), min_size=1), st.text(), max_size=4)
FRAMES: st.SearchStrategy[Frame] = st.one_of(
    st.builds(Data, NUMBERS, st.binary(max_size=300), st.booleans()),
    st.builds(SynStream, NUMBERS, HEADERS, st.booleans(), st.booleans(), NUMBERS, st.integers(0, 7)),
    st.builds(SynReply, NUMBERS, HEADERS, st.booleans()),
    st.builds(MoreHeaders, NUMBERS, HEADERS, st.booleans()),
    st.builds(RstStream, NUMBERS, NUMBERS),
    st.builds(Settings, st.dictionaries(st.integers(1, 8), NUMBERS)),
    st.builds(Ping, NUMBERS),
    st.builds(GoAway, NUMBERS, NUMBERS),
    st.builds(WindowUpdate, NUMBERS, NUMBERS),
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # A busy machine is no fault.
@given(st.lists(FRAMES, max_size=8), st.integers(1, 50))
def test_frames_come_out_as_they_went_in_however_the_bytes_are_cut(frames: list[Frame], piece: int) -> None:
    sender, receiver = Framer(), Framer()
    wire = b"".join(sender.encode(frame) for frame in frames)
    received = [frame for at in range(0, len(wire), piece) for frame in receiver.feed(wire[at : at + piece])]
    assert received == frames


def test_the_dictionary_is_that_of_spdy_3() -> None:
    assert (len(DICTIONARY), zlib.adler32(DICTIONARY)) == (1423, 0xE3C6A7C2)


def test_a_syn_stream_on_the_wire() -> None:
    wire = Framer().encode(SynStream(1, {"Streamtype": "error"}))
    assert wire[:8] == bytes.fromhex("80030001") + (len(wire) - 8).to_bytes(4, "big")
    inflate = zlib.decompressobj(zdict=DICTIONARY)
    assert inflate.decompress(wire[18:]) == b"\0\0\0\1\0\0\0\x0astreamtype\0\0\0\5error"


@pytest.mark.parametrize("wire", ["80020001 00000000", "80030001 00000001 00", "80030002 00000008 00000001 ffffffff"])
def test_what_is_not_spdy_is_refused(wire: str) -> None:
    with pytest.raises(ProtocolError):
        Framer().feed(bytes.fromhex(wire))


def test_frames_of_unknown_types_are_skipped() -> None:
    assert Framer().feed(bytes.fromhex("800300ff 00000001 00") + Framer().encode(Ping(1))) == [Ping(1)]


def test_headers_that_inflate_without_end_are_refused() -> None:
    bomb = Framer().encode(SynStream(1, {"a": "x" * 1_000_000}))
    with pytest.raises(ProtocolError, match="too large"):
        Framer().feed(bomb)
