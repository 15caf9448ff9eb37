"""What the runtime is asked to make of a pod: pure functions to the CRI's own field names."""
