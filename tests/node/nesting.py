"""Folders within folders, past what a path can name."""

import os
from pathlib import Path

#: Folders one in another, too many for a path (4,096 bytes) and for a function that calls itself (1,000 times).
TOO_DEEP = 1100


def nested(top: Path, depth: int, size_bytes: int = 1) -> int:
    """`top`, and so many folders one in another, a file in each; the last one, open. To be removed by `corral.node.removal`."""
    top.mkdir()
    fd = os.open(top, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("deeper", dir_fd=fd)
        deeper = os.open("deeper", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = deeper
        file = os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=fd)
        os.write(file, b"x" * size_bytes)
        os.close(file)
    return fd
