"""The only road to the API for every room but server: verbs, watch, informer cache.

Outside: controllers. Parts of a cluster ask without waiting for one another (`client`, `informer`), through the transports
`local` (same process) and `https`; commands that ask, print and end, block (`blocking`, `several`, `following`).
"""
