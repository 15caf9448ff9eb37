"""exec: a command in the container that ends with 0 is a success."""

from corral.api.objects import Object
from corral.node.cri.errors import CriError
from corral.node.cri.runtime import Runtime

OUTPUT_LIMIT_BYTES = 10 * 1024


async def probe(runtime: Runtime, container_id: str, action: Object, timeout_s: float) -> tuple[bool, str]:
    """Success and what to say of it."""
    try:
        result = await runtime.exec_sync(container_id, action.get("command") or (), timeout_s)
    except CriError as error:
        if error.code == "DEADLINE_EXCEEDED":
            return False, f"command timed out: {' '.join(action.get('command') or ())!r} timed out after {timeout_s:g}s"
        return False, str(error)
    return result.exit_code == 0, (result.stdout + result.stderr)[:OUTPUT_LIMIT_BYTES].decode("utf-8", "replace")
