"""Streams between clients and nodes: exec, attach, port-forward (SPDY and WebSocket), logs, and the HTTP proxies.

What a client may speak, and what happens to it:

| client | request | here |
|---|---|---|
| kubectl before 1.29 (exec), 1.31 (port-forward) | SPDY/3.1 | passed through raw after the node's 101 |
| WebSocket clients: `channel.k8s.io` to `v4.channel.k8s.io`, the base64 ones, port-forward | WebSocket | passed through raw |
| kubectl from 1.29 (KEP-4006) | WebSocket `v5.channel.k8s.io` | translated to SPDY v4 (`translate`) |
| kubectl port-forward from 1.31 | WebSocket `SPDY/3.1+portforward.k8s.io` | SPDY carried in its messages (`tunnel`) |

`upgrade.stream` chooses. Outside: who may do it (authorization), which URL it goes to (subresources).
"""
