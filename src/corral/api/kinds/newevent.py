"""Events of events.k8s.io: the stored object is that of the core group."""

from corral.api.kinds.event import NewEventRules

RULES = {"Event": NewEventRules()}
