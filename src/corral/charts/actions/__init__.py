"""What is done with releases: install, upgrade, roll back, uninstall, test. Plans are pure; acts do what they say.

Cluster   the objects of one API           cluster.py
render    chart and values to manifests    rendering.py
pods      those behind an object           pods.py
wait      until all is ready, or why not   waiting.py, readiness.py, reasons.py
"""
