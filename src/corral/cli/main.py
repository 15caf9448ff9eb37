"""The command `corral`: how errors are told. What takes time to load is loaded inside, so that Ctrl-C is told, too."""

import errno
import sys

from corral.base.errors import CorralError

#: What the host can refuse at any moment.
REMEDIES = {
    errno.ENOSPC: "free some space and run the command again",
    errno.EDQUOT: "free some space and run the command again",
    errno.EROFS: "choose a folder that can be written to: --data-dir DIR",
    errno.EACCES: "run the command as root (sudo)",
    errno.EPERM: "run the command as root (sudo)",
}


def main() -> None:
    """Run the command line; the exit status is 0, 1 for a failure, 2 for a wrong command line."""
    try:
        if sys.argv[1:2] == ["chart"]:
            _chart(sys.argv[2:])
            return
        from corral.cli.commands import run

        run(sys.argv[1:])
    except CorralError as error:
        print(f"corral: {error.message}", file=sys.stderr)
        if error.remedy:
            print(f"  → {error.remedy}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except OSError as error:
        if error.errno not in REMEDIES:
            raise
        where = f": {error.filename}" if error.filename else ""
        print(f"corral: {error.strerror}{where}\n  → {REMEDIES[error.errno]}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _chart(words: list[str]) -> None:
    """Charts are rendered in less time than the other commands' library takes to load, and than all objects take to go."""
    import gc
    import os

    import corral
    from corral.cli.bundle import Bundle

    gc.set_threshold(100_000)
    bundle = Bundle("corral", os.path.dirname(corral.__file__))
    sys.meta_path.insert(0, bundle)
    from corral.cli.chart.main import main as chart

    status = chart(words)
    sys.stdout.flush()
    sys.stderr.flush()
    bundle.keep()
    os._exit(status)
