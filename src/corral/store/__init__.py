"""Where objects live: revisioned keys, compare-and-swap, watch from a revision, compaction.

`contract` is what callers see; `sqlite` is the embedded driver. Outside: objects. The store knows keys and bytes only.
"""
