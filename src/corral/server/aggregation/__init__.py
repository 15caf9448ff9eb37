"""The aggregation layer: group versions of the API that other servers serve, and those served here from no storage.

An APIService with a Service leads requests of its group version to an extension server (`proxy`), which is told who asks by the
headers of a front proxy. `backends` knows which there are, `availability` asks whether they answer, `documents` keeps what they
say of themselves, `autoregister` makes APIServices for the groups of custom resources. `Local` backends answer in this process.
https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/

Outside: where a Service is (`server.services`), the bytes of a connection (`server.streams`), the pages of discovery and of
OpenAPI.
"""

from corral.server.aggregation.backends import Backend, Backends, Local

__all__ = ["Backend", "Backends", "Local"]
