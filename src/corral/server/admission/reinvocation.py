"""Asking again: what one kind of plugin (webhooks, policies) remembers of whom it has asked about a write.

Where somebody later changes the object, those asked before him have not seen it as it is. The chain then runs once more, and
those who want it are asked again.
https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#reinvocation-policy
"""

import orjson
from msgspec import Struct, field

from corral.server.request import Admission


class Reinvocation(Struct):
    """The memory of one kind of plugin within one write."""

    #: Those who want to be asked again, since the object was last changed.
    asked: set[str] = field(default_factory=set)
    #: Those who will be.
    again: set[str] = field(default_factory=set)
    #: The object as they all left it.
    left: bytes = b""

    @classmethod
    def of(cls, admission: Admission, kind: object) -> "Reinvocation":
        """What `kind` remembers of a write; in the second round, what others have changed meanwhile counts."""
        memory: Reinvocation = admission.rounds.memory.setdefault(kind, cls())
        if admission.rounds.number and memory.asked and orjson.dumps(admission.object) != memory.left:
            memory.again |= memory.asked
            memory.asked = set()
        return memory

    def is_due(self, admission: Admission, key: str) -> bool:
        """Whether somebody is asked in this round: everybody in the first."""
        return not admission.rounds.number or key in self.again

    def changed(self, admission: Admission) -> None:
        """The object was changed."""
        self.again |= self.asked
        self.asked = set()
        admission.rounds.again = True

    def leave(self, admission: Admission) -> None:
        """All have been asked in this round."""
        if self.asked:
            self.left = orjson.dumps(admission.object)
