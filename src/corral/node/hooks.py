"""What a container asks to be done after its start and before its stop: exec, httpGet, tcpSocket, sleep.

https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/
"""

import asyncio
from collections.abc import Sequence

from corral.api.objects import Object
from corral.node.cri.errors import CriError
from corral.node.cri.runtime import Runtime

HTTP_TIMEOUT_S = 30.0


class HookError(Exception):
    """A hook failed; the text goes into the event."""


async def run(runtime: Runtime, container_id: str, container: Object, hook: Object, pod_ips: Sequence[str]) -> None:
    """Run one handler to its end. Raises HookError."""
    if action := hook.get("exec"):
        command = list(action.get("command") or ())
        try:
            result = await runtime.exec_sync(container_id, command)
        except CriError as error:
            raise HookError(f"Exec lifecycle hook ({command}) failed - error: {error}") from None
        if result.exit_code != 0:
            output = (result.stdout + result.stderr).decode("utf-8", "replace")
            raise HookError(f"command '{' '.join(command)}' exited with {result.exit_code}: {output}")
    elif action := hook.get("sleep"):
        await asyncio.sleep(float(action["seconds"]))
    elif action := hook.get("httpGet"):
        await _http(container, action, pod_ips)
    elif action := hook.get("tcpSocket"):
        raise HookError("tcpSocket is not a handler of lifecycle hooks any more")


async def _http(container: Object, action: Object, pod_ips: Sequence[str]) -> None:
    from corral.node.probes.http import request

    status, body = await request(container, action, action.get("host") or (pod_ips[0] if pod_ips else ""), HTTP_TIMEOUT_S)
    if status >= 400:
        raise HookError(f"HTTP lifecycle hook ({action.get('path', '/')}) failed with status {status}: {body[:256]}")
