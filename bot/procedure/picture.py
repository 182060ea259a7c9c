"""One picture of each cluster from the views of all its nodes, keeping every disagreement.

A cluster's own list names its nodes; what each Up node says about nodes, groups, quorum and clustered mailbox
servers is put side by side. Where views differ the fact is Unknown, and the difference is kept in words.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from bot.procedure.facts import (
    ClusterKind,
    ClusterView,
    CmsFacts,
    CopyFacts,
    DatabaseFacts,
    GroupFacts,
    GroupStatus,
    NodeStatus,
    QuorumModel,
    StandbyFacts,
    Unknown,
    same_name,
    short,
)

_RUNNING = (NodeStatus.UP, NodeStatus.PAUSED)


@dataclass(frozen=True)
class Cms:
    """A clustered mailbox server as all nodes that could say something see it."""

    name: str
    seen: tuple[CmsFacts, ...]

    @cached_property
    def active_node(self) -> str | Unknown:
        """The node with the <Active> mark, as every node that answered says it; "" when no node carries it."""
        said = {short(one.active_node): one for one in self.seen if not isinstance(one.active_node, Unknown)}
        if len(said) > 1:
            words = ", ".join(f"{one.seen_from} says {one.active_node or 'none'}" for one in said.values())
            return Unknown(f"the nodes disagree where {self.name} is active: {words}")
        for one in said.values():
            return one.active_node
        return self._why("active_node")

    @cached_property
    def state(self) -> str | Unknown:
        """Its state with blanks removed, if all that answered agree."""
        said = {one.state.replace(" ", ""): one for one in self.seen if not isinstance(one.state, Unknown)}
        if len(said) > 1:
            words = ", ".join(f"{one.seen_from} says {one.state}" for one in said.values())
            return Unknown(f"the nodes disagree about the state of {self.name}: {words}")
        for state in said:
            return state
        return self._why("state")

    @cached_property
    def redundant(self) -> tuple[str, ...] | Unknown:
        """RedundantMachines: the nodes it may run on."""
        for one in self.seen:
            if not isinstance(one.redundant, Unknown):
                return one.redundant
        return self._why("redundant")

    @cached_property
    def operational(self) -> tuple[str, ...] | Unknown:
        """OperationalMachines: every node that some node's answer lists. A node that is down is simply not in it."""
        said = [one.operational for one in self.seen if not isinstance(one.operational, Unknown)]
        return tuple(dict.fromkeys(name for names in said for name in names)) if said else self._why("operational")

    @cached_property
    def storage_type(self) -> str | Unknown:
        """NonShared (CCR) or Shared (SCC)."""
        for one in self.seen:
            if not isinstance(one.storage_type, Unknown) and one.storage_type:
                return one.storage_type
        return self._why("storage_type")

    @cached_property
    def databases(self) -> tuple[DatabaseFacts, ...] | Unknown:
        """Its databases, from the first node that lists any. Storage groups without one database are no list."""
        lists = [one.databases for one in self.seen if not isinstance(one.databases, Unknown)]
        found = next((one for one in lists if one), None)
        if found is not None or not lists:
            return self._why("databases") if found is None else found
        groups = () if isinstance(self.standbys, Unknown) else tuple(name for name, _ in self.standbys)
        return Unknown(f"no database was listed, though there is {' and '.join(groups)}") if groups else ()

    @cached_property
    def standbys(self) -> tuple[tuple[str, tuple[StandbyFacts, ...]], ...] | Unknown:
        """(storage group, its SCR targets), from the first node that could list them."""
        for one in self.seen:
            if not isinstance(one.standbys, Unknown):
                return one.standbys
        return self._why("standbys")

    @cached_property
    def copies(self) -> tuple[CopyFacts, ...] | Unknown:
        """Its storage group copies, from the first node that could list them."""
        for one in self.seen:
            if not isinstance(one.copies, Unknown):
                return one.copies
        return self._why("copies")

    def _why(self, what: str) -> Unknown:
        for one in self.seen:
            value = getattr(one, what)
            if isinstance(value, Unknown):
                return value
        return Unknown(f"no node could say anything about {self.name}")

    @property
    def storage_groups(self) -> tuple[str, ...]:
        """Every storage group any list speaks of."""
        names: dict[str, None] = {}
        if not isinstance(self.databases, Unknown):
            names.update(dict.fromkeys(db.storage_group for db in self.databases if db.storage_group))
        if not isinstance(self.standbys, Unknown):
            names.update(dict.fromkeys(name for name, _ in self.standbys))
        return tuple(names)

    @property
    def without_targets(self) -> tuple[str, ...]:
        """The storage groups of its databases that the list of SCR targets does not speak of."""
        listed = () if isinstance(self.standbys, Unknown) else [name for name, _ in self.standbys]
        return tuple(name for name in self.storage_groups if name not in listed)


@dataclass(frozen=True)
class Picture:
    """One cluster. `views` are those of its Up (or Paused) nodes; `unread` are such nodes without a view."""

    name: str
    nodes: tuple[str, ...]
    views: tuple[ClusterView, ...]
    unread: tuple[tuple[str, str], ...]
    cms: tuple[Cms, ...] | Unknown

    @cached_property
    def disagreements(self) -> tuple[str, ...]:
        """Every difference between two nodes' views, in words."""
        found = []
        for other in self.views[1:]:
            first = self.views[0]
            found += _differ(first, other)
        return tuple(dict.fromkeys(found))

    @cached_property
    def _statuses(self) -> dict[str, NodeStatus]:
        said: dict[str, set[NodeStatus]] = {}
        for view in self.views:
            for name, status in view.nodes:
                said.setdefault(short(name), set()).add(status)
        return {name: found.pop() if len(found) == 1 else NodeStatus.UNKNOWN for name, found in said.items()}

    def status(self, node: str) -> NodeStatus:
        """The status of a node as the views say; UNKNOWN where they differ or where there is none."""
        return self._statuses.get(short(node), NodeStatus.UNKNOWN)

    @cached_property
    def groups(self) -> tuple[GroupFacts, ...]:
        """The groups as the first view lists them, and any further group another view knows."""
        seen: dict[str, GroupFacts] = {}
        for view in self.views:
            for group in view.groups:
                seen.setdefault(group.name.casefold(), group)
        return tuple(seen.values())

    @cached_property
    def _owners(self) -> dict[str, dict[str, GroupFacts]]:
        found: dict[str, dict[str, GroupFacts]] = {}
        for view in self.views:
            for group in view.groups:
                found.setdefault(short(group.owner), {}).setdefault(group.name.casefold(), group)
        return found

    def owned(self, node: str) -> tuple[GroupFacts, ...]:
        """Every group that any view says this node owns: a doubt counts as owned."""
        return tuple(self._owners.get(short(node), {}).values())

    def other_groups(self, node: str) -> tuple[GroupFacts, ...]:
        """The groups a node owns that are no CMS."""
        return tuple(group for group in self.owned(node) if not self.is_cms_group(group))

    @cached_property
    def _exchange(self) -> frozenset[str]:
        return frozenset(g.name.casefold() for view in self.views for g in view.groups if g.holds_exchange)

    def is_cms_group(self, group: GroupFacts) -> bool:
        """Whether a group is a CMS: by its resources, or by its name where a view lost the resources."""
        if group.name.casefold() in self._exchange:
            return True
        return not isinstance(self.cms, Unknown) and any(same_name(cms.name, group.name) for cms in self.cms)

    @property
    def quorum(self) -> QuorumModel | Unknown:
        """The quorum model, if every view that knows it says the same."""
        known = {view.quorum for view in self.views if not isinstance(view.quorum, Unknown)}
        if len(known) == 1:
            return known.pop()
        unread = next((view.quorum for view in self.views if isinstance(view.quorum, Unknown)), None)
        return unread or Unknown("no node could say the quorum model, or they disagree")

    @property
    def witness_ok(self) -> bool | Unknown:
        """The witness by the cluster's own state: bad if any view says so."""
        said = [view.witness_ok for view in self.views]
        if any(one is False for one in said):
            return False
        if any(one is True for one in said):
            return True
        return next((one for one in said if isinstance(one, Unknown)), Unknown("no node could say"))

    @property
    def witness(self) -> str:
        """The witness share or disk, "" when there is none."""
        return next((view.witness for view in self.views if view.witness), "")

    @cached_property
    def kind(self) -> ClusterKind | Unknown:
        """CCR, SCC, or a standby cluster without any CMS."""
        if not self.views:
            return Unknown("no node's view of the cluster could be read")
        if isinstance(self.cms, Unknown):
            return self.cms
        if not self.cms:
            return ClusterKind.STANDBY
        types = {cms.storage_type for cms in self.cms if not isinstance(cms.storage_type, Unknown)}
        if types == {"NonShared"}:
            return ClusterKind.CCR
        if types == {"Shared"}:
            return ClusterKind.SCC
        why = next((cms.storage_type for cms in self.cms if isinstance(cms.storage_type, Unknown)), None)
        return why or Unknown(f"the storage type is {', '.join(sorted(str(t) for t in types)) or 'not known'}")

    def cms_on(self, node: str) -> tuple[Cms, ...]:
        """The CMSs a node holds by any sign: the active mark, or the owner of the group of that name."""
        if isinstance(self.cms, Unknown):
            return ()
        owned = {short(group.name) for group in self.owned(node)}
        only = len(self.cms) == 1 and any(group.holds_exchange for group in self.owned(node))
        return tuple(
            cms
            for cms in self.cms
            if (not isinstance(cms.active_node, Unknown) and same_name(cms.active_node, node))
            or short(cms.name) in owned
            or only
        )

    def able(self, node: str) -> bool:
        """Up, not Paused, and free to take a CMS (issue 4: the meaning of an able node)."""
        return self.status(node) is NodeStatus.UP and not self.cms_on(node) and not self.cms_groups_on(node)

    def destination(self, group: GroupFacts, leaving: str, preferred: str = "") -> str | None:
        """Where a group goes when it must leave a node: the preferred node, else any Up one that may own it."""
        able = [node for node in self.nodes if not same_name(node, leaving) and self.may_take(group, node)]
        return next((node for node in able if same_name(node, preferred)), able[0] if able else None)

    def may_take(self, group: GroupFacts, node: str) -> bool:
        """Whether a group may be moved to a node now: it is Up, not Paused, and a possible owner."""
        return self.status(node) is NodeStatus.UP and self.may_own(group, node)

    def may_own(self, group: GroupFacts, node: str) -> bool:
        """Whether a node is a possible owner of a group; a group without a list may be anywhere."""
        owners = group.possible_owners
        return not owners or any(same_name(node, one) for one in owners)

    def group(self, name: str) -> GroupFacts | None:
        """A group by its name, as the first view that lists it says."""
        return next((one for one in self.groups if one.name.casefold() == name.casefold()), None)

    def cms_groups_on(self, node: str) -> tuple[GroupFacts, ...]:
        """The CMS groups a node owns, in any state."""
        return tuple(group for group in self.owned(node) if self.is_cms_group(group))

    def running(self, node: str) -> bool:
        """Whether a node's Cluster service takes part: Up or Paused."""
        return self.status(node) in _RUNNING


def word(status: NodeStatus | GroupStatus) -> str:
    """A state as Windows prints it."""
    return {"PARTIAL": "Partially Online"}.get(status.name, status.name.title())


def _differ(first: ClusterView, other: ClusterView) -> list[str]:
    """What two views say differently."""
    found = []
    here = {short(name): (name, status) for name, status in first.nodes}
    there = {short(name): (name, status) for name, status in other.nodes}
    for key in sorted(here.keys() | there.keys()):
        a, b = here.get(key), there.get(key)
        if a is None or b is None:
            name = (a or b or ("", NodeStatus.UNKNOWN))[0]
            found.append(f"only {first.seen_from if a else other.seen_from} lists node {name}")
        elif a[1] is not b[1]:
            found.append(f"{first.seen_from} sees {a[0]} {word(a[1])}, {other.seen_from} sees it {word(b[1])}")
    ours = {group.name.casefold(): group for group in first.groups}
    theirs = {group.name.casefold(): group for group in other.groups}
    for key in sorted(ours.keys() | theirs.keys()):
        g, h = ours.get(key), theirs.get(key)
        if g is None or h is None:
            name = (g or h).name if (g or h) else key  # type: ignore[union-attr]
            found.append(f"only {first.seen_from if g else other.seen_from} lists group '{name}'")
        elif not same_name(g.owner, h.owner):
            found.append(f"{first.seen_from} sees '{g.name}' on {g.owner}, {other.seen_from} on {h.owner}")
        elif g.state is not h.state:
            found.append(f"{first.seen_from} sees '{g.name}' {word(g.state)}, {other.seen_from} {word(h.state)}")
    if not isinstance(first.quorum, Unknown) and not isinstance(other.quorum, Unknown) and first.quorum != other.quorum:
        found.append(f"{first.seen_from} says the quorum is {first.quorum}, {other.seen_from} {other.quorum}")
    return found
