"""metrics.k8s.io: what nodes and pods use of CPU and memory now, for `kubectl top` and autoscaling.

Nothing is stored and nothing is polled: who asks has the node agents asked, unless they were a moment ago. `samples` reads
an agent's answer and makes rates of two, `scraper` asks the agents, `api` is the group version, `presence` makes its APIService
once there are nodes. An APIService that names a Service (metrics-server's) takes its place.
https://kubernetes.io/docs/tasks/debug/debug-cluster/resource-metrics-pipeline/

Outside: measuring, which is the node agent's (`node.stats`).
"""
