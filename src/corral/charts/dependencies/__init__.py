"""The charts that a chart brings: which are on, their names, what the parent takes of their values; locking, fetching.

https://helm.sh/docs/topics/charts/#chart-dependencies
"""
