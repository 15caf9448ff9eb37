"""The only road to the API for every room but server: verbs, watch, informer cache.

Outside: controllers. Transports are local (same process) and https.
"""
