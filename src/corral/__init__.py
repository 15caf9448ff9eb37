"""Corral: Kubernetes as a Python package. The rooms of the house are described in docs/architecture.md."""

__version__ = "0.1.0"
KUBERNETES_VERSION = "1.36.2"
