"""The HTTP API: verbs, watch streams, authentication, authorization, admission, discovery, subresources.

Outside: workloads. The server runs none.
"""
