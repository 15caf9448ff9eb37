"""The two ways of writing the name of a sysctl."""

import pytest

from corral.api.sysctls import dotted


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("kernel.shm_rmid_forced", "kernel.shm_rmid_forced"),
        ("kernel/shm_rmid_forced", "kernel.shm_rmid_forced"),
        ("net/ipv4/conf/eno2.100/rp_filter", "net.ipv4.conf.eno2/100.rp_filter"),
        ("net.ipv4.conf.eno2/100.rp_filter", "net.ipv4.conf.eno2/100.rp_filter"),
    ],
)
def test_names_are_told_apart_by_dots(name, plain):
    assert dotted(name) == plain
