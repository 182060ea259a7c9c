"""cluster.exe as it stands on a node: group, node, resource, quorum; layouts from captures (facts/exchange.md §1.6)."""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.lab.cluster import quorum
from bot.lab.cluster.model import ClusterError, FailoverCluster, Group, Node
from bot.lab.cluster.wmi import node_state, owner_seen, resource_state, state_seen
from bot.lab.cluster.words import GERMAN_ERRORS, words
from bot.lab.cluster.world import World, short
from bot.lab.windows.machine import Session

NODE_STATES = ("Up", "Down", "Paused", "Joining")
DEFAULT_WAIT_S = 20.0  # cc783967: without /wait a move waits 20 seconds
USAGE = """The syntax of this command is:

CLUSTER [[/CLUSTER:]cluster-name] <options>

<options> =
  NODE [node-name] node-command
  GROUP [group-name] group-command
  RESOURCE [resource-name] resource-command
  /QUORUM
  /PROPERTIES
  /VERSION

"""


class Tool:
    """cluster.exe on one node."""

    def __init__(
        self, world: World, cluster: FailoverCluster, node: Node, language: str, record: Callable[[Session, str], None]
    ) -> None:
        self.world = world
        self.cluster = cluster
        self.me = node
        self.language = language
        self.say = words(language)
        self.record = record  # writes command_started

    def __call__(self, session: Session, argv: list[str], raw: str) -> int:
        """Run one command line; the exit code is the Win32 error."""
        args = argv[1:]
        if args and (match := re.fullmatch(r"/cluster:(.+)", args[0], re.IGNORECASE)):
            named, args = match[1], args[1:]
            if named.casefold() not in {self.cluster.name.casefold(), "."}:
                return self._fail(session, 1722, "The RPC server is unavailable.")
        elif args and args[0].casefold() in {self.cluster.name.casefold(), "."} and len(args) > 1:
            args = args[1:]
        if not args or args[0] in {"/?", "/help"}:
            session.out(USAGE.replace("\n", "\r\n"))
            return 0
        if self._changes(args):
            self.record(session, "cluster.exe " + raw.strip())
        if self.me.service != "running":
            return self._fail(session, 1753)
        session.sleep(0.2)
        verb = args[0].casefold()
        try:
            if verb in {"group", "g"}:
                return self._group(session, args[1:])
            if verb in {"node", "n"}:
                return self._node(session, args[1:])
            if verb in {"resource", "res", "r"}:
                return self._resource(session, args[1:])
            if verb in {"/quorum", "/quorumresource", "/qr"}:
                return self._quorum(session)
            if verb in {"/prop", "/properties"}:
                return self._table(session, [("D", self.cluster.name, "DefaultNetworkRole", "3 (0x3)")])
        except ClusterError as error:
            return self._fail(session, error.code, str(error))
        session.out("Invalid option.\r\n" + USAGE.replace("\n", "\r\n"))
        return 1

    @staticmethod
    def _changes(args: list[str]) -> bool:
        for arg in args[1:]:
            name = arg.split(":", 1)[0].casefold()
            if name.startswith("/") and name not in {
                "/status",
                "/stat",
                "/prop",
                "/properties",
                "/priv",
                "/listowners",
                "/wait",
                "/?",
                "/listmembers",
            }:
                return True
        return any("=" in a for a in args)

    def _fail(self, session: Session, code: int, text: str = "") -> int:
        text = text or ClusterError(code).args[0]
        if self.language == "de":
            text = GERMAN_ERRORS.get(code, text)
        session.out(f"\r\n{self.say['system_error'].format(code)}\r\n{text}\r\n")
        return code

    # --- group ------------------------------------------------------------------------------------

    def _group(self, session: Session, args: list[str]) -> int:
        name = args[0] if args and not args[0].startswith("/") else ""
        rest = args[1:] if name else args
        options = {
            a.split(":", 1)[0].casefold(): a.split(":", 1)[1] if ":" in a else "" for a in rest if a.startswith("/")
        }
        if not name:
            self._list_groups(session, self.cluster.groups, self.say["listing_groups"])
            return 0
        with self.world.lock:
            group = self.cluster.group(name)
        option = next((o for o in options if o != "/wait"), "/status")
        value = options.get(option, "")
        if option in {"/status", "/stat"}:
            self._list_groups(session, [group], self.say["listing_group"].format(group.name))
            return 0
        if option in {"/move", "/moveto"}:
            return self._move(session, group, value, options)
        if option in {"/online", "/on", "/offline", "/off"}:
            return self._switch(session, group, online=option.startswith("/on"))
        if option in {"/prop", "/properties"}:
            return self._group_properties(session, group, rest)
        if option == "/listowners":
            for owner in group.preferred:
                session.out(owner + "\r\n")
            return 0
        session.out("Invalid option.\r\n")
        return 87

    def _move(self, session: Session, group: Group, to: str, options: dict[str, str]) -> int:
        if not self.cluster.seen(self.me, self.cluster.node(group.owner)):
            raise ClusterError(5012)
        session.out("\r\n" + self.say["moving"].format(group.name) + "\r\n")
        with self.world.lock:
            target = self.cluster.node(to) if to else self.cluster.candidate(group, self.cluster.node(group.owner))
            if target is None:
                raise ClusterError(5050)
            operation = self.cluster.move(group, target, "cluster.exe", self.world.job(session))
        limit = DEFAULT_WAIT_S
        if "/wait" in options:
            limit = float(options["/wait"]) if options["/wait"].isdigit() else 0.0
        finished = operation.wait(session, limit)
        if operation.error is not None:
            raise operation.error
        if not finished:
            raise ClusterError(997)
        self._rows(session, [group])
        return 0

    def _switch(self, session: Session, group: Group, *, online: bool) -> int:
        session.out("\r\n" + self.say["onlining" if online else "offlining"].format(group.name) + "\r\n")
        job = self.world.job(session)
        operation = self.cluster.bring_online(group, job) if online else self.cluster.take_offline(group, job)
        if not operation.wait(session, DEFAULT_WAIT_S):
            raise ClusterError(997)
        self._rows(session, [group])
        return 0

    def _group_properties(self, session: Session, group: Group, rest: list[str]) -> int:
        for arg in rest:
            for key, value in re.findall(r"(\w+)=(\S+)", arg):
                if key.casefold() == "autofailbacktype" and value.split(":")[0].isdigit():
                    group.auto_failback = int(value.split(":")[0])
                else:
                    return self._fail(session, 87, "The parameter is incorrect.")
        if any("=" in a for a in rest):
            return 0
        session.out("\r\n" + self.say["properties"].format(group.name) + "\r\n\r\n")
        rows = [
            ("D", group.name, key, f"{value} ({hex(value & 0xFFFFFFFF)})")
            for key, value in (
                ("PersistentState", int(group.wanted)),
                ("FailoverThreshold", 10),
                ("FailoverPeriod", 6),
                ("AutoFailbackType", group.auto_failback),
                ("FailbackWindowStart", -1),
                ("FailbackWindowEnd", -1),
            )
        ]
        return self._table(session, rows)

    def _list_groups(self, session: Session, groups: list[Group], title: str) -> None:
        session.out(f"{title}\r\n\r\n")
        self._rows(session, groups)

    def _rows(self, session: Session, groups: list[Group]) -> None:
        say = self.say
        with self.world.lock:
            rows = [
                (g.name, owner_seen(self.cluster, self.me, g), say[state_seen(self.cluster, self.me, g)])
                for g in groups
            ]
        session.out(f"{say['Group']:<20} {say['Node']:<15} {say['Status']}\r\n")
        session.out(f"{'-' * 20} {'-' * 15} ------\r\n")
        for name, owner, state in rows:
            session.out(f"{name:<20} {owner:<15} {state}\r\n")

    # --- node -------------------------------------------------------------------------------------

    def _node(self, session: Session, args: list[str]) -> int:
        name = args[0] if args and not args[0].startswith("/") else ""
        option = next((a.split(":", 1)[0].casefold() for a in args if a.startswith("/")), "/status")
        job = self.world.job(session)
        with self.world.lock:
            if option in {"/status", "/stat"}:
                nodes = [self.cluster.node(name)] if name else self.cluster.nodes
                title = self.say["listing_node"].format(nodes[0].name) if name else self.say["listing_nodes"]
                session.out(f"{title}\r\n\r\n")
                self._node_rows(session, nodes)
                return 0
            node = self.cluster.node(name) if name else self.me
        if option in {"/pause", "/resume"}:
            session.out(
                "\r\n" + self.say["pausing" if option == "/pause" else "resuming"].format(node.name) + "\r\n\r\n"
            )
            session.sleep(1)
            if not node.up:
                raise ClusterError(5050)
            (self.cluster.pause if option == "/pause" else self.cluster.resume)(node, job)
            self._node_rows(session, [node])
            return 0
        if option in {"/start", "/stop"} and short(node.name) == short(self.me.name):
            (session.machine.services.start if option == "/start" else session.machine.services.stop)("ClusSvc")
            return 0
        session.out("Invalid option.\r\n")
        return 87

    def _node_rows(self, session: Session, nodes: list[Node]) -> None:
        say = self.say
        session.out(f"{say['Node']:<14} {say['Node ID']} {say['Status']}\r\n")
        session.out(f"{'-' * 14} {'-' * 7} {'-' * 21}\r\n")
        for node in nodes:
            state = NODE_STATES[node_state(self.cluster, self.me, node)]
            session.out(f"{node.name:<14} {node.id:>7} {say[state]}\r\n")

    # --- resource and quorum ----------------------------------------------------------------------

    def _resource(self, session: Session, args: list[str]) -> int:
        name = args[0] if args and not args[0].startswith("/") else ""
        with self.world.lock:
            rows = [
                (g, r)
                for g in self.cluster.groups
                for r in g.resources
                if not name or r.name.casefold() == name.casefold()
            ]
            if name and not rows:
                raise ClusterError(5007)
            if any(a.casefold() in {"/priv", "/privproperties"} for a in args):
                return self._table(
                    session,
                    [("SR", r.name, k, v) for _, r in rows for k, v in r.properties.items() if not k.startswith("_")],
                )
            say = self.say
            session.out(f"{say['listing_resources']}\r\n\r\n")
            session.out(f"{say['Resource']:<20} {say['Group']:<20} {say['Node']:<15} {say['Status']}\r\n")
            session.out(f"{'-' * 20} {'-' * 20} {'-' * 15} ------\r\n")
            for group, resource in rows:
                owner = owner_seen(self.cluster, self.me, group)
                session.out(
                    f"{resource.name:<20} {group.name:<20} {owner:<15} {say[resource_state(group, resource)]}\r\n"
                )
        return 0

    def _quorum(self, session: Session) -> int:
        cluster = self.cluster
        resource = next((r.name for g in cluster.groups for r in g.resources if r.properties.get("_quorum")), "")
        session.out(f"{'Witness Resource Name':<22} {'Path':<30} Type\r\n{'-' * 22} {'-' * 30} {'-' * 20}\r\n")
        session.out(f"{resource:<22} {cluster.witness:<30} {quorum.TITLES[cluster.model]}\r\n")
        return 0

    def _table(self, session: Session, rows: list[tuple[str, str, str, str]]) -> int:
        session.out(f"T  {'Group':<20} {'Name':<30} Value\r\n-- {'-' * 20} {'-' * 30} {'-' * 23}\r\n")
        for kind, owner, key, value in rows:
            session.out(f"{kind:<2} {owner:<20} {key:<30} {value}\r\n")
        return 0
