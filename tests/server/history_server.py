"""An API server in a process of its own, to be killed at any moment: python history_server.py DATA_DIR PORT."""

import asyncio
import sys
from pathlib import Path

from corral.testing.server import running_server


async def main(data_dir: Path, port: int) -> None:
    async with running_server(data_dir, port=port):
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
