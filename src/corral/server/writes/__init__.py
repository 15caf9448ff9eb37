"""Writes: from what a client sent to what the store holds.

`writes` has the order of the steps, `plan` who writes what through which endpoint, `ownership` whose a field is, `storing` the
way into the store. Outside: what a kind allows (`api.rules`), what admission thinks of it, deletions (`server.deletion`).
"""

from corral.server.writes.ownership import track
from corral.server.writes.plan import Face, Plan, Propose
from corral.server.writes.storing import Written
from corral.server.writes.writes import Writes

__all__ = ["Face", "Plan", "Propose", "Writes", "Written", "track"]
