"""When a node is short of something."""

from pathlib import Path

from corral.node.pressure.signals import Reading, crossed, read
from corral.node.pressure.thresholds import DISK, HARD, MEMORY, Threshold

GIB = 1 << 30


def test_amounts_and_shares():
    assert Threshold("memory.available", "100Mi", MEMORY, "memory").amount(8 * GIB) == 100 << 20
    assert Threshold("nodefs.available", "10%", DISK, "ephemeral-storage").amount(200) == 20


def test_what_lies_below_is_crossed_memory_first():
    readings = {
        "nodefs.available": Reading(9, 100),
        "nodefs.inodesFree": Reading(5, 100),
        "memory.available": Reading(1, 8 * GIB),
    }
    assert [t.signal for t in crossed(HARD, readings)] == ["memory.available", "nodefs.available"]
    assert crossed(HARD, {"nodefs.available": Reading(10, 100)}) == []


def test_a_filesystem_that_counts_no_inodes_lacks_none():
    assert crossed(HARD, {"nodefs.inodesFree": Reading(0, 0)}) == []


def test_images_on_the_same_filesystem_have_no_signals_of_their_own(tmp_path):
    assert read(tmp_path, tmp_path).keys() == {"memory.available", "nodefs.available", "nodefs.inodesFree"}
    assert "imagefs.available" in read(tmp_path, Path("/proc"))
