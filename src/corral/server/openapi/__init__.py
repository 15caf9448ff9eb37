"""OpenAPI: what kubectl validates, explains and patches by. `/openapi/v2` (JSON and protobuf) and `/openapi/v3` by group and version.

Documents are made from the type facts when somebody asks, and kept as bytes. Outside: what the types are (`api.facts`).
See https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-interface-definition.
"""

from corral.server.openapi.pages import handle

__all__ = ["handle"]
