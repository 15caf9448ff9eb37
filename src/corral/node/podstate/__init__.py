"""What a pod's containers should do next, and what its status says: pure functions of what was observed."""
