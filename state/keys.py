"""Every key in Redis: its name, its type, what it holds, and which script touches it.

All names begin with one hash tag, so that one call may change a campaign, its indexes, locks and timers together,
also on a Redis Cluster. Only this file spells a key.

| key | type | holds |
|---|---|---|
| `c:<campaign>` | hash | `snap` the campaign as JSON, `ver`, `state`, `head`, `header` the transcript's first line, `ops` the last 16 operation ids |
| `c:<campaign>:ev` | stream | events; the entry's id is `<version>-0`, its field `line` the canonical JSON line |
| `c:<campaign>:cursor` | hash | `version` projected so far, `note` the projector's memory (JSON) |
| `c:<campaign>:shown` | hash | for people only, decides nothing: `seen` the newest reading, `line` the running job's last log line (JSON), `asked` when somebody wanted a newer reading |
| `lease:<name>` | hash | `fence` (only grows), `token`, `owner` (JSON), `until` (server seconds) |
| `ix:all` | zset | campaign by last change |
| `ix:state:<state>` | zset | campaign by last change |
| `ix:cluster:<cluster>` | zset | campaign by last change |
| `ix:gate` | hash | `<channel> <ts>` of a gate's message -> `<campaign> <gate>` |
| `ix:thread` | hash | `<channel> <ts>` of a thread -> campaign |
| `n:<cluster>` | string | number of the cluster's last campaign |
| `made:<operation id>` | string, 7 days | the campaign a creating operation made |
| `locks` | hash | folded short name of a cluster or machine -> campaign; no TTL |
| `due` | zset | campaign by when it is looked at next (server seconds) |
| `inbox` | hash | Slack event id -> JSON {at, body} |
| `seen:<event id>` | string, 1 day | that an event was put down |
| `realm` | string | `lab` or `production`, written once |

| script | keys, in order |
|---|---|
| `transition.lua` | c, ev, lease, ix:all, ix:state (old), ix:state (new), ix:cluster, due, locks, ix:gate, ix:thread, inbox, n, made |
| `lease_take.lua` | lease |
| `lease_renew.lua` | lease |
| `lease_release.lua` | lease |
| `lease_look.lua` | lease |
| `inbox_put.lua` | inbox, seen |
| `due_take.lua` | due |
| `due_set.lua` | c, due |
| `cursor_move.lua` | cursor, lease |
"""

from __future__ import annotations

from dataclasses import dataclass

SEEN_S = 86400
MADE_S = 7 * 86400
OPS_KEPT = 16


@dataclass(frozen=True, slots=True)
class Keys:
    """Names of keys under one hash tag, for example `{rollup}`."""

    prefix: str = "{rollup}"

    def __post_init__(self) -> None:
        if not (self.prefix.startswith("{") and self.prefix.endswith("}") and len(self.prefix) > 2):
            raise ValueError(f"the prefix must be one hash tag such as {{rollup}}, not {self.prefix!r}")

    def campaign(self, campaign: str) -> str:
        """The snapshot."""
        return f"{self.prefix}:c:{campaign}"

    def events(self, campaign: str) -> str:
        """The stream."""
        return f"{self.prefix}:c:{campaign}:ev"

    def cursor(self, campaign: str) -> str:
        """The projection's cursor."""
        return f"{self.prefix}:c:{campaign}:cursor"

    def shown(self, campaign: str) -> str:
        """What people are shown between two events."""
        return f"{self.prefix}:c:{campaign}:shown"

    def lease(self, name: str) -> str:
        """A lease by its name."""
        return f"{self.prefix}:lease:{name}"

    def state(self, state: str) -> str:
        """The index of one state."""
        return f"{self.prefix}:ix:state:{state}"

    def cluster(self, cluster: str) -> str:
        """The index of one cluster."""
        return f"{self.prefix}:ix:cluster:{cluster}"

    def number(self, cluster: str) -> str:
        """The cluster's campaign counter."""
        return f"{self.prefix}:n:{cluster}"

    def made(self, op_id: str) -> str:
        """What a creating operation made."""
        return f"{self.prefix}:made:{op_id}"

    def seen(self, event_id: str) -> str:
        """That a Slack event was put down."""
        return f"{self.prefix}:seen:{event_id}"

    @property
    def all(self) -> str:
        """The index of all campaigns."""
        return f"{self.prefix}:ix:all"

    @property
    def gates(self) -> str:
        """The index of gate messages."""
        return f"{self.prefix}:ix:gate"

    @property
    def threads(self) -> str:
        """The index of threads."""
        return f"{self.prefix}:ix:thread"

    @property
    def locks(self) -> str:
        """All locks."""
        return f"{self.prefix}:locks"

    @property
    def due(self) -> str:
        """The timers."""
        return f"{self.prefix}:due"

    @property
    def inbox(self) -> str:
        """Slack events not worked off yet."""
        return f"{self.prefix}:inbox"

    @property
    def realm(self) -> str:
        """Which world this store belongs to."""
        return f"{self.prefix}:realm"


def lock_name(name: str) -> str:
    """A cluster or machine as locks name it: short and folded, so that two spellings are one lock."""
    return name.strip().split(".", 1)[0].casefold()


def message(channel: str, ts: str) -> str:
    """A Slack message as the gate and thread indexes name it."""
    return f"{channel} {ts}"
