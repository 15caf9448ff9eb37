"""The command `corral`: how errors are told. What takes time to load is loaded inside: Ctrl-C is to be told meanwhile, too, and
most commands need nothing of what tells errors.
"""

import sys


def main() -> None:
    """Run the command line; the exit status is 0, 1 for a failure, 2 for a wrong command line."""
    try:
        if sys.argv[1:2] == ["chart"]:
            _chart(sys.argv[2:])
            return
        from corral.cli.commands import run

        run(sys.argv[1:])
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        told = _told(error)
        if told is None:
            raise
        print(told, file=sys.stderr)
        sys.exit(1)


def _told(error: Exception) -> str | None:
    """What a person is told of an error; None where it is a mistake of ours."""
    import errno

    from corral.base.errors import CorralError

    if isinstance(error, CorralError):
        return f"corral: {error.message}\n  → {error.remedy}" if error.remedy else f"corral: {error.message}"
    if not isinstance(error, OSError):
        return None
    # What the host can refuse at any moment.
    remedy = {
        errno.ENOSPC: "free some space and run the command again",
        errno.EDQUOT: "free some space and run the command again",
        errno.EROFS: "choose a folder that can be written to: --data-dir DIR",
        errno.EACCES: "run the command as root (sudo)",
        errno.EPERM: "run the command as root (sudo)",
    }.get(error.errno or 0)
    if remedy is None:
        return None
    where = f": {error.filename}" if error.filename else ""
    return f"corral: {error.strerror}{where}\n  → {remedy}"


def _chart(words: list[str]) -> None:
    """Charts are rendered in less time than the other commands' library takes to load, and than all objects take to go."""
    import gc
    import os

    import corral
    from corral.cli.bundle import Bundle

    gc.set_threshold(100_000)
    for stream in (sys.stdout, sys.stderr):
        if stream.encoding.lower() != "utf-8" and hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")  # whatever the locale, as with Helm
    bundle = Bundle("corral", os.path.dirname(corral.__file__))
    sys.meta_path.insert(0, bundle)
    from corral.cli.chart.main import main as chart

    status = chart(words)
    sys.stdout.flush()
    sys.stderr.flush()
    bundle.keep()
    os._exit(status)
