"""Container logs: the CRI's format, reading, following, rotation."""
