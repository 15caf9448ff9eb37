"""Which watchers a change may concern, without asking each of them.

Every agent watches the pods of its own node, and many a client one object: a thousand filters, each of which wants one value of
one field. Groups of watchers (see `watching`) are found by the values that a change's two states have of those fields.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from corral.server.changes import Change

if TYPE_CHECKING:
    from corral.server.watching import Group

#: So few groups that look at a field are told to look for themselves: that costs less than finding the field's value.
FEW = 8


class Triggers:
    """An index of groups by what their filters want."""

    def __init__(self) -> None:
        #: field → value → groups
        self._by_value: dict[str, dict[str, dict[Group, None]]] = {}
        self._others: dict[Group, None] = {}

    def add(self, group: "Group") -> None:
        """Find it from now on."""
        trigger = None if group.filter is None else group.filter.trigger
        if trigger is None:
            self._others[group] = None
        else:
            self._by_value.setdefault(trigger[0], {}).setdefault(trigger[1], {})[group] = None

    def remove(self, group: "Group") -> None:
        """Find it no more."""
        trigger = None if group.filter is None else group.filter.trigger
        if trigger is None:
            del self._others[group]
            return
        field, value = trigger
        groups = self._by_value[field]
        del groups[value][group]
        if not groups[value]:
            del groups[value]
        if not groups:
            del self._by_value[field]

    def concerned(self, changes: Iterable[Change]) -> "list[Group]":
        """The groups that may have to be told of some of these changes."""
        found = dict(self._others)
        for field, groups in self._by_value.items():
            if len(groups) < FEW:
                for some in groups.values():
                    found.update(some)
                continue
            filter = next(iter(next(iter(groups.values())))).filter
            assert filter is not None
            for change in changes:
                for item in (change.new, change.old):
                    hit = None if item is None else groups.get(filter.value_of(field, item))
                    if hit is not None:
                        found.update(hit)
        return list(found)
