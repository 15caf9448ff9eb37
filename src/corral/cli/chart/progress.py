"""What a person sees of work that goes on: during a long wait what is not ready, and why, and with --debug each step; on
standard error, beside the results.
"""

import sys

from corral.cli.chart.options import Options


def tell(lines: list[str]) -> None:
    """Print what is waited for."""
    print("waiting for:", file=sys.stderr)
    for line in lines:
        print(f"    {line}", file=sys.stderr)
    sys.stderr.flush()


def debug(options: Options, text: str) -> None:
    """Print a step, where --debug asks for them; Helm has the line of its source before it."""
    if options.debug:
        print(f"[debug] {text}", file=sys.stderr)
