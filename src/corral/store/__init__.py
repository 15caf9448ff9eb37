"""Where objects live: revisioned keys, compare-and-swap, watch from a revision, compaction.

Outside: objects. The store knows keys and bytes only.
"""
