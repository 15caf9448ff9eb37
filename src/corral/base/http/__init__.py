"""HTTP over TLS for whoever can reach a port: aiohttp's, with patience that ends, and limits to connections that do nothing.

The API server and the node's agent stand on it. What is asked and answered is outside.
"""
