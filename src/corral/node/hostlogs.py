"""`/logs/`: the host's own logs, file by file, as a kubelet serves /var/log; below `pods/` lie those of this cluster's pods.

Links do not lead out of the folder that is served. https://kubernetes.io/docs/concepts/cluster-administration/system-logs/
"""

import html
import os
import stat
from pathlib import Path
from urllib.parse import quote

from aiohttp import web

from corral.node import mounts

ROOT = Path("/var/log")
OF_PODS = "pods"


async def answer(request: web.BaseRequest, parts: list[str], pods: Path, root: Path = ROOT) -> web.StreamResponse:
    """The file at `parts` below `root`, or the list of a folder. `pods` is where the logs of pods are."""
    if parts and parts[0] == OF_PODS:
        root, parts = pods, parts[1:]
    try:
        fd = mounts.open_beneath(root, "/".join(parts) or ".")
    except OSError:
        return web.Response(status=404, text="404 page not found\n")
    try:
        mode = os.fstat(fd).st_mode
        if stat.S_ISDIR(mode):
            if not request.path.endswith("/"):
                return web.Response(status=301, headers={"Location": f"{request.path.rpartition('/')[2]}/"})
            return _listing(fd, with_pods=root == ROOT and not parts)
        if not stat.S_ISREG(mode):
            return web.Response(status=404, text="404 page not found\n")
        kind = "application/octet-stream" if parts[-1].endswith(".gz") else "text/plain; charset=utf-8"
        response = web.FileResponse(Path(f"/proc/self/fd/{fd}"), headers={"Content-Type": kind})
        await response.prepare(request)
        await response.write_eof()
        return response
    finally:
        os.close(fd)


def _listing(fd: int, *, with_pods: bool) -> web.Response:
    """Links to what is in a folder; names of folders end in a slash."""
    readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=fd)
    try:
        with os.scandir(readable) as found:
            names = {entry.name + ("/" if entry.is_dir(follow_symlinks=False) else "") for entry in found}
    finally:
        os.close(readable)
    if with_pods:
        names.add(f"{OF_PODS}/")
    lines = "".join(f'<a href="{quote(name)}">{html.escape(name)}</a>\n' for name in sorted(names))
    text = f'<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n{lines}</pre>\n'
    return web.Response(text=text, content_type="text/html", charset="utf-8")
