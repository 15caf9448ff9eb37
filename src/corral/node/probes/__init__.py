"""Whether a container has started, lives, and is ready to serve: one module a way of asking."""
