"""Releases: what was installed, when, with which values; stored as Helm 3 stores it: either can take over from the other."""
