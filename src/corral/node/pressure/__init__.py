"""What a node does when memory or disk run short: it says so, takes no more pods, removes images, and ends the greediest pods.

https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/
"""
