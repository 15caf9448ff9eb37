"""Manifests: what rendered templates say should be there; split, ordered, told from hooks, merged into what is there."""
