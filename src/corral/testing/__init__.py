"""Fakes and the pytest plugin, shipped to users. Nothing imports it."""
