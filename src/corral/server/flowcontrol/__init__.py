"""Priority and fairness: who has to wait when more is asked for than the server can do, and who is turned away.

`rules` says to which flow schema a request belongs, `seats` what it costs, `level` who of a priority level is next (by
`fairqueue` and `sharding`), `limiter` puts them together, `upkeep` keeps the objects that must be there. What concurrency means
in a server of one event loop: docs/decisions/0028-seats-in-one-loop.md.
https://kubernetes.io/docs/concepts/cluster-administration/flow-control/

Outside: who asks (authentication comes before), whether it is allowed (authorization comes after).
"""

from corral.server.flowcontrol.level import Ticket
from corral.server.flowcontrol.limiter import Limiter, RejectedError

__all__ = ["Limiter", "RejectedError", "Ticket"]
