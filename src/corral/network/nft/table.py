"""One table of the kernel, kept as it should be: the whole at once, or the difference that a change makes.

`whole` and `difference` plan text; `Table` runs it, one transaction each. Owners may claim the same element (two Services with
one endpoint, or by mistake with one external address): the first to claim has it, and the next inherits it.
"""

import asyncio
from collections.abc import Hashable, Iterable, Mapping

from corral.network.nft.library import Nft, NftError
from corral.network.nft.rules import Element, Ranges, Rendered, base

SET_SIZE = 65536


class Claims:
    """Who wants which element: (map, key) to the values that owners gave it, oldest first."""

    def __init__(self) -> None:
        self._claims: dict[tuple[str, str], dict[Hashable, str]] = {}

    def effective(self, slot: tuple[str, str]) -> str | None:
        """The value that is to be in the kernel, None for no element."""
        return next(iter(self._claims.get(slot, {}).values()), None)

    def replace(self, owner: Hashable, old: Iterable[Element], new: Iterable[Element]) -> set[tuple[str, str]]:
        """Give up `old` and claim `new`; the slots that were touched."""
        wanted = {(e.map, e.key): e.value for e in new}
        touched = set(wanted)
        for element in old:
            slot = (element.map, element.key)
            touched.add(slot)
            if slot not in wanted:
                claims = self._claims[slot]
                claims.pop(owner, None)
                if not claims:
                    del self._claims[slot]
        for slot, value in wanted.items():
            self._claims.setdefault(slot, {})[owner] = value
        return touched

    def all(self) -> list[Element]:
        """Every effective element."""
        return [Element(*slot, next(iter(claims.values()))) for slot, claims in self._claims.items()]


def whole(table: str, ranges: Ranges, parts: Iterable[Rendered], elements: Iterable[Element]) -> str:
    """The script that replaces whatever table there is, without a moment in between."""
    lines = [f"add table ip {table}", f"delete table ip {table}", f"table ip {table} {{", base(ranges), "}"]
    parts = list(parts)
    for part in parts:
        lines += _sets(table, part)
        lines += [f"add chain ip {table} {chain}" for chain in part.chains]
    for part in parts:
        for chain, rules in part.chains.items():
            lines += [f"add rule ip {table} {chain} {rule}" for rule in rules]
    lines += _elements("add", table, elements)
    return "\n".join(lines) + "\n"


def difference(
    table: str,
    changes: Iterable[tuple[Rendered, Rendered]],
    removed: Iterable[Element],
    added: Iterable[Element],
) -> str:
    """The script for parts that change from one to another, and elements that go and come."""
    lines: list[str] = []
    flushes: list[str] = []
    last: list[str] = []
    for old, new in changes:
        fresh = {name: s for name, s in new.affinity_sets.items() if name not in old.affinity_sets}
        lines += _sets(table, Rendered(affinity_sets=fresh))
        lines += [f"add chain ip {table} {chain}" for chain in new.chains if chain not in old.chains]
        for chain, rules in new.chains.items():
            if old.chains.get(chain) != rules:
                if chain in old.chains:
                    flushes.append(f"flush chain ip {table} {chain}")
                flushes += [f"add rule ip {table} {chain} {rule}" for rule in rules]
        gone = [chain for chain in old.chains if chain not in new.chains]
        flushes += [f"flush chain ip {table} {chain}" for chain in gone]
        last += [f"delete chain ip {table} {chain}" for chain in gone]
        last += [f"delete set ip {table} {name}" for name in old.affinity_sets if name not in new.affinity_sets]
    lines += flushes
    lines += _elements("delete", table, removed)
    lines += _elements("add", table, added)
    lines += last
    return "".join(line + "\n" for line in lines)


def _sets(table: str, part: Rendered) -> list[str]:
    return [
        f"add set ip {table} {name} {{ type ipv4_addr; size {SET_SIZE}; flags dynamic,timeout; timeout {timeout_s}s; }}"
        for name, timeout_s in part.affinity_sets.items()
    ]


def _elements(verb: str, table: str, elements: Iterable[Element]) -> list[str]:
    by_map: dict[str, list[str]] = {}
    for element in elements:
        text = element.key if verb == "delete" or not element.value else f"{element.key} : {element.value}"
        by_map.setdefault(element.map, []).append(text)
    return [f"{verb} element ip {table} {name} {{ {', '.join(texts)} }}" for name, texts in by_map.items()]


class Table:
    """The table called `name`. `replace` sets everything, `update` what some owners have; both are one transaction."""

    def __init__(self, name: str, ranges: Ranges) -> None:
        self.name = name
        self._ranges = ranges
        self._parts: dict[Hashable, Rendered] = {}
        self._claims = Claims()
        self._nft = Nft()

    async def replace(self, parts: Mapping[Hashable, Rendered]) -> None:
        """Make the kernel's table exactly this. Raises NftError."""
        claims = Claims()
        for owner, part in parts.items():
            claims.replace(owner, (), part.elements)
        await self._run(whole(self.name, self._ranges, parts.values(), claims.all()))
        self._parts, self._claims = dict(parts), claims

    async def update(self, parts: Mapping[Hashable, Rendered | None]) -> None:
        """Set what these owners have, None for nothing. Raises NftError; then only `replace` mends."""
        changes = []
        before: dict[tuple[str, str], str | None] = {}
        empty = Rendered()
        for owner, part in parts.items():
            old, new = self._parts.get(owner, empty), part or empty
            if old == new:
                continue
            changes.append((old, new))
            for element in (*old.elements, *new.elements):
                slot = (element.map, element.key)
                before.setdefault(slot, self._claims.effective(slot))
            self._claims.replace(owner, old.elements, new.elements)
            if part is None:
                self._parts.pop(owner, None)
            else:
                self._parts[owner] = part
        removed, added = [], []
        for slot, was in before.items():
            now = self._claims.effective(slot)
            if was is not None and was != now:
                removed.append(Element(*slot, was))
            if now is not None and was != now:
                added.append(Element(*slot, now))
        script = difference(self.name, changes, removed, added)
        if script:
            await self._run(script)

    async def present(self) -> bool:
        """Whether the kernel still has the table: others flush rule sets that are not theirs."""
        try:
            await self._run(f"list chain ip {self.name} dispatch\n")
        except NftError:
            return False
        return True

    async def delete(self) -> None:
        """Remove the table, if there is one."""
        await self._run(f"add table ip {self.name}\ndelete table ip {self.name}\n")

    def close(self) -> None:
        """Leave the table in the kernel and give back the socket."""
        self._nft.close()

    async def _run(self, script: str) -> str:
        return await asyncio.to_thread(self._nft.run, script)
