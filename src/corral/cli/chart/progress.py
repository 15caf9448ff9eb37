"""What a person sees during a long wait: which objects are not ready, and why; on standard error, beside the results."""

import sys


def tell(lines: list[str]) -> None:
    """Print what is waited for."""
    print("waiting for:", file=sys.stderr)
    for line in lines:
        print(f"    {line}", file=sys.stderr)
    sys.stderr.flush()
