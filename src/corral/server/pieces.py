"""Answers that are too long to be held whole: made in pieces while they are written, at the pace of their reader."""

import asyncio
from collections.abc import AsyncIterator, Iterable

#: A body of more than this is made in pieces,
LONG_BYTES = 4 * 1024 * 1024
#: which are about as long as this,
PIECE_BYTES = 256 * 1024
#: or of so many parts, as each may be work: then others have a turn.
PIECE_PARTS = 200


async def gathered(parts: Iterable[bytes | memoryview]) -> AsyncIterator[bytes]:
    """Parts joined to pieces. A part is asked for when its piece is."""
    some: list[bytes | memoryview] = []
    size_bytes = 0
    for part in parts:
        some.append(part)
        size_bytes += len(part)
        if size_bytes >= PIECE_BYTES or len(some) == PIECE_PARTS:
            yield b"".join(some)
            some.clear()
            size_bytes = 0
            await asyncio.sleep(0)
    if some:
        yield b"".join(some)


async def whole(pieces: AsyncIterator[bytes]) -> bytes:
    """All of it, for those who need that."""
    return b"".join([piece async for piece in pieces])
