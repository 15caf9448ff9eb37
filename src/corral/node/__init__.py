"""What runs pods on a machine: pod state machine, CRI, images, volumes, probes, stats, logs.

Outside: other nodes; a node never talks to another.
"""
