"""What is written down of requests: who asked for what, when, and what came of it.

A policy says how much (`policy`), an `Auditor` follows each request through its stages, events are `audit.k8s.io/v1` Events
(`event`), and go to a file (`log`) and, where one is configured, to a webhook (`webhook`). Outside: what is counted
(`server.metrics`), and events about objects. See https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/.
"""

from corral.server.audit.auditor import Auditor, Sink
from corral.server.audit.log import AuditLog
from corral.server.audit.policy import Level, Policy, default_policy, load_policy

__all__ = ["AuditLog", "Auditor", "Level", "Policy", "Sink", "default_policy", "load_policy"]
