"""Bodies of the answers of other servers: agents, extension servers, webhooks, issuers. None of them fills our memory."""

from aiohttp import ClientResponse


async def read_up_to(answer: ClientResponse, limit_bytes: int) -> bytes:
    """The body, or, where it is longer than the limit, what has come of it: a little more than that. Raises ClientError."""
    parts, size_bytes = [], 0
    async for part in answer.content.iter_any():
        parts.append(part)
        size_bytes += len(part)
        if size_bytes > limit_bytes:
            break
    return b"".join(parts)
