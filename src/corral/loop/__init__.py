"""The controller runtime: keyed queue, wake-ups, retry. Outside: every decision."""
