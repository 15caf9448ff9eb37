"""Answers that are too long to be held whole: made in pieces while they are written, at the pace of their reader."""

import asyncio
from collections.abc import AsyncIterator, Iterable

#: A body of more than this is made in pieces.
LONG_BYTES = 4 * 1024 * 1024


async def in_turns(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    """The pieces, each made when it is asked for; others have their turn in between."""
    for piece in pieces:
        yield piece
        await asyncio.sleep(0)


async def whole(pieces: AsyncIterator[bytes]) -> bytes:
    """All of it, for those who need that."""
    return b"".join([piece async for piece in pieces])
