"""How a long-running process starts: `python -m corral.cli.start COMPONENT DATA_DIR`, COMPONENT being `server` or `node`.

`corral server` and `corral node` come to the same through the list of commands.
"""

import gc
import sys
from importlib import import_module
from pathlib import Path

from corral.base import roots


def main(component: str, data_dir: Path) -> None:
    """Load the component and run it until SIGTERM."""
    gc.disable()  # Modules make no garbage to speak of. `daemon.run` turns it on.
    with roots.Unread():
        module = import_module(f"corral.cli.{component}")
    getattr(module, component)(data_dir=data_dir)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
