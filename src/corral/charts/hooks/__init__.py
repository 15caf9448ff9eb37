"""Hooks: objects that are made at an event of a release, one after the other by weight, and waited for."""
