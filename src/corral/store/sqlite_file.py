"""The SQLite file of the embedded store: kept from other processes, opened, recognized, set up.

One table: every write appends a row, with where the value lies that it replaced; `compaction` tells how far the past was asked
to go and how far it is gone.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from corral.base.errors import CorralError

APPLICATION_ID = 0x436F7272
VERSION = 1

CHECKPOINT_PAGES = 4000
WAL_KEPT_BYTES = 64 << 20

SCHEMA = f"""
CREATE TABLE revisions(
    revision INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    created INTEGER NOT NULL,
    previous INTEGER NOT NULL,
    previous_created INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    value BLOB NOT NULL
);
CREATE TABLE compaction(asked INTEGER NOT NULL, done INTEGER NOT NULL);
INSERT INTO compaction VALUES (0, 0);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
"""


def lock(path: Path) -> int:
    """Keep other processes out: what is current lives in this one's memory."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path.with_name(path.name + ".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CorralError(f"cannot open the store {path}: {error.strerror}", "Check the directory and its owner.") from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        raise CorralError(f"{path} is in use by another process", "Stop the other server of this cluster.") from error
    return fd


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn SQLite's errors at opening into ones that say what to do."""
    try:
        yield
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise CorralError(
            f"the store {path} is damaged ({error})",
            f"Put a backup in its place, or move {path}* away to start with an empty cluster.",
        ) from error
    except (apsw.Error, OSError) as error:
        raise CorralError(f"cannot open the store {path}: {error}", "Check the disk, and the owner of the file.") from error


def touch(path: Path) -> None:
    """An empty file of mode 0600, in the directory for good; SQLite gives its other files the same mode."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)
    directory = os.open(path.parent, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)


def connect(path: Path) -> apsw.Connection:
    """A connection; it may be used from any thread, by one at a time."""
    connection = apsw.Connection(str(path), statementcachesize=200)
    connection.set_busy_timeout(5000)
    return connection


def prepare(path: Path, connection: apsw.Connection) -> None:
    """Set up the connection that writes, and the tables of a new file."""
    version = connection.execute("PRAGMA user_version").get
    application_id = connection.execute("PRAGMA application_id").get
    fresh = connection.execute("SELECT count(*) FROM sqlite_schema").get == 0
    if not fresh and application_id != APPLICATION_ID:
        raise CorralError(f"{path} is an SQLite file, but not a Corral store", "Choose another data directory.")
    if not fresh and version != VERSION:
        raise CorralError(
            f"the store {path} has version {version}, this Corral reads version {VERSION}",
            "Use the release of Corral that wrote it.",
        )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_KEPT_BYTES}")
    if fresh:
        with connection:
            connection.execute(SCHEMA)
