"""The words every room speaks: frozen dataclasses and enums, no behaviour beyond their own shape.

Everything that travels between rooms, into Redis or out to Slack is one of these. They are plain
standard-library dataclasses so that `msgspec.convert` can check them strictly on the way in.
Times are Unix seconds (float). `lab` or `server` in a comment says which clock; see docs/architecture.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Realm(StrEnum):
    """Which world an effect would touch; an effect needs all three sources to agree."""

    LAB = "lab"
    PRODUCTION = "production"


# --- checks -----------------------------------------------------------------------------------


class Verdict(StrEnum):
    """What one rule says about the facts. `UNKNOWN` never passes."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    WARN = "warn"
    BLOCK = "block"
    UNKNOWN = "unknown"


class When(StrEnum):
    """The moment a rule is evaluated."""

    PLAN = "plan"
    GATE = "gate"
    AFTER = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One fact a check rests on, ready to print.

    `moving` marks quantities that always move (queue lengths, ages, free space): they enter a digest
    by their verdict only, never by value.
    """

    name: str
    value: str
    machine: str = ""
    moving: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One rule evaluated on facts, with its finished sentence: handlers only print it."""

    rule: str
    when: When
    verdict: Verdict
    sentence: str
    remedy: str = ""
    link: str = ""
    facts: tuple[Fact, ...] = ()
    waivable: bool = False
    applicable: bool = True  # False: passes because the rule does not apply; the sentence says why
    patience_s: float = 0.0  # lab seconds a block may be re-read quietly before the campaign stops on it
    source: str = ""
    waived_by: tuple[str, ...] = ()  # persons whose approved waiver turned a block into a warning

    @property
    def stops(self) -> bool:
        """Whether it keeps a step or a plan from going on."""
        return self.verdict in (Verdict.BLOCK, Verdict.UNKNOWN)

    @property
    def values(self) -> tuple[Fact, ...]:
        """What a waiver of it is bound to: the facts that do not move, or the finding itself where there are none."""
        still = tuple(dict.fromkeys(fact for fact in self.facts if not fact.moving))
        return still or (Fact(name="finding", value=self.sentence),)


# --- packages, steps, plans --------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """An update rollup as declared in rollup.toml: the build decides, the KB is a name."""

    kb: str  # "KB4011325"
    build: str  # "8.3.517.0"
    path: str  # full local path on every machine
    sha256: str  # 64 lower-case hex digits
    title: str = ""  # "Update Rollup 23 for Exchange Server 2007 SP3"


class StepKind(StrEnum):
    """The five intended changes."""

    EVACUATE = "evacuate"
    INSTALL = "install"
    RESTART = "restart"
    HANDOFF = "handoff"
    RESTORE = "restore"


class JobKind(StrEnum):
    """How a command reaches its node: the WinRM shell, a scheduled task as SYSTEM, or the runner task."""

    SHELL = "shell"
    TASK = "task"
    RUNNER = "runner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command exactly as a gate shows it and as it will stand, byte for byte, in the job folder."""

    text: str
    kind: JobKind
    node: str
    purpose: str  # "move 'Cluster Group' to EXN1"
    language: str = "cmd"  # "cmd" | "powershell"
    timeout_s: float = 120.0  # lab seconds after which people are told; nothing is ever killed
    guard: str = ""  # "" | "empty": the job lists what its node owns first and refuses if not empty
    package: Package | None = None  # copied into the job folder and hashed just before use
    effect: str = ""  # machine-readable: "move:<group>:<to>", "pause:<node>", "resume:<node>", "install", "handoff:<cms>:<to>", "restart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One intended change of a campaign."""

    id: str  # s01, s02 … in plan order
    kind: StepKind
    target: str  # the machine it happens to; for a handoff the node that receives the CMS
    title: str
    rule: str  # the rule that put it here
    because: str  # the fact that put it here
    cluster: str = ""  # the cluster the target belongs to, "" for a stand-alone machine
    cms: str = ""  # handoff: the clustered mailbox server
    source: str = ""  # handoff: the node it leaves
    to: str = ""  # evacuate: where the groups go
    option: str = ""  # "" | "failback" | "stop-move-start" | "return"; restore: "services" | "owners"
    role: str = "node"  # "node" | "scr-target"
    expected_s: float = 0.0  # forecast, lab seconds
    downtime_s: float = 0.0  # forecast user downtime, lab seconds
    groups: tuple[tuple[str, str], ...] = ()  # restore: (group, the node it was found on)
    optional: bool = False  # a rejection, or no answer, leaves it undone, and the campaign goes on without it


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the requester asked for beside the cluster and the package."""

    failback: bool = False
    stop_move_start: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineLine:
    """One machine as the plan shows it."""

    name: str
    role: str  # "active" | "passive" | "scr-target" | "standby"
    level: str  # build, or "unknown: why"
    owns: tuple[str, ...] = ()
    cluster: str = ""  # whose node it is; "" for a stand-alone machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be done, in which order and why."""

    cluster: str
    package: Package
    options: Options
    steps: tuple[Step, ...]
    checks: tuple[Check, ...]
    machines: tuple[MachineLine, ...]
    cms: tuple[str, ...]
    scr_targets: tuple[str, ...]
    lock_set: tuple[str, ...]  # cluster names and stand-alone machine names this campaign locks
    machine_set: tuple[str, ...]  # every machine a job of this campaign may run on
    rules_version: str
    bot_version: str
    made_at: float  # lab
    downtime_s: float = 0.0
    duration_s: float = 0.0
    old_level: str = ""
    users: tuple[tuple[str, str], ...] = ()  # (CMS or stand-alone SCR target, "400 mailboxes" or why that is not known)

    def users_of(self, server: str) -> str:
        """Whom a CMS or a stand-alone SCR target serves, as counted for this plan; "" where nobody counted."""
        return dict(self.users).get(server, "")


# --- people ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A person as Slack and the person map know them."""

    user: str  # Slack id
    person: str  # the key two accounts of one human share; never empty
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Who may ask, who may approve, and with what. Missing or empty denies."""

    requesters: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    persons: tuple[tuple[str, str], ...] = ()  # (Slack id, person)
    quorum: int = 1
    approve: tuple[str, ...] = ("white_check_mark", "heavy_check_mark", "+1")
    reject: tuple[str, ...] = ("no_entry", "x", "-1")

    def person(self, user: str) -> str:
        """The person behind a Slack id: the mapped key, else the id itself."""
        return dict(self.persons).get(user, user)


class Choice(StrEnum):
    """What a reaction says."""

    APPROVE = "approve"
    REJECT = "reject"


class VoteRefusal(StrEnum):
    """Why a reaction is no vote."""

    OWN_REQUEST = "own_request"  # the requester, or anyone who planned, started, retried or edited
    NOT_LISTED = "not_listed"
    NOT_LISTED_AT_OPEN = "not_listed_at_open"
    BOT = "bot"
    GUEST = "guest"
    EXTERNAL = "external"
    INACTIVE = "inactive"
    OLD_GATE = "old_gate"
    EXPIRED = "expired"
    NOT_A_GATE = "not_a_gate"
    EMOJI = "emoji"  # not an approval or rejection emoji; ignored silently
    SAME_PERSON = "same_person"  # a second account of someone already counted
    UNREADABLE = "unreadable"  # Slack could not be asked who this is


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One person's reaction on one gate, counted or refused."""

    gate: str
    user: str
    person: str
    emoji: str
    choice: Choice
    counted: bool
    refusal: VoteRefusal | None = None
    event_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ballot:
    """The votes of one gate as read back from Slack at one moment."""

    gate: str
    read_at: float  # wall seconds by server TIME at the START of the read
    intact: bool  # the message is ours and says what was posted
    why_not: str = ""  # if not intact, or if Slack could not be read
    unreadable: bool = False  # Slack could not be asked: nothing may be concluded
    votes: tuple[Vote, ...] = ()

    @property
    def approvals(self) -> tuple[str, ...]:
        """Distinct persons whose approval counts."""
        return tuple(dict.fromkeys(v.person for v in self.votes if v.counted and v.choice is Choice.APPROVE))

    @property
    def rejections(self) -> tuple[str, ...]:
        """Distinct persons whose rejection counts."""
        return tuple(dict.fromkeys(v.person for v in self.votes if v.counted and v.choice is Choice.REJECT))


# --- gates ------------------------------------------------------------------------------------------


class GateStatus(StrEnum):
    """The life of a gate; `CONSUMED` is the intent."""

    PREPARED = "prepared"  # in state, not yet in Slack: votes wait
    OPENED = "opened"
    CONSUMED = "consumed"
    VOIDED = "voided"
    EXPIRED = "expired"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """How long the step and its outage should take; from measured history where there is any."""

    step_s: float
    downtime_s: float
    basis: str  # "default" | "measured on n handoffs"
    category: str = "default"  # enters the digest instead of the numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A waivable rule set aside for one step, with the reason and who approved it."""

    rule: str
    step: str
    reason: str
    by: str
    approved_by: tuple[str, ...]
    facts: tuple[Fact, ...] = ()  # the values it was given for; others are not waived
    expires_at: float = 0.0  # lab; a step that has begun under it keeps it to its end
    gate: str = ""  # the risk gate it was accepted at


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """A waiver somebody asked for and nobody has approved yet. `step` is "plan" before the start."""

    rule: str
    step: str
    reason: str
    by: Actor
    at: float  # lab


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The stop before a step and everything a voter agrees to."""

    id: str  # "CLUSTER01-7.s02.1": campaign, step, attempt
    campaign: str
    step: str
    attempt: int
    target: str
    kind: str  # "step" | "risk": a risk gate runs nothing, it only allows its waiver
    title: str
    digest: str  # 64 hex
    commands: tuple[Command, ...]
    checks: tuple[Check, ...]
    forecast: Forecast
    approvers: tuple[Actor, ...]  # eligible when it opened
    barred: tuple[str, ...]  # persons who planned, started, retried or edited
    quorum: int
    opened_at: float  # lab
    expires_at: float  # lab
    notes: tuple[str, ...] = ()  # gate lines: what no costs, what happens if the bot dies …
    status: GateStatus = GateStatus.PREPARED
    channel: str = ""
    ts: str = ""
    posted_hash: str = ""  # SHA-256 of the text and blocks as posted
    mac: str = ""  # HMAC, key never in Redis
    waiver: Waiver | None = None  # risk gate: what it allows, before anybody approved it


# --- jobs -------------------------------------------------------------------------------------------


NODE_NOT_PAUSED = 5058  # ERROR_CLUSTER_NODE_NOT_PAUSED of winerror.h: what cluster.exe node /resume ends with


class JobState(StrEnum):
    """One command on a node, as our state knows it."""

    OPENED = "opened"  # written down before the start; its fate on the node is not known yet
    STARTED = "started"  # the node said the folder is ours and the start was accepted
    ENDED = "ended"  # its exit code was read
    REFUSED = "refused"  # the job itself declined: node not empty, hash differs, started too late
    CLOSED = "closed"  # its name was closed before it began: it never ran and never can
    CUT_OFF = "cut_off"  # it began, has no exit code, and its process is gone


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOrder:
    """Everything a node is told about one job."""

    name: str  # <campaign>-<nonce>-<step>-<attempt>-<job>
    campaign: str
    version: int
    gate: str
    command: Command
    command_hash: str  # SHA-256 of the command text's UTF-8
    not_after: float  # wall seconds; a help only


class JobSeen(StrEnum):
    """What a look at a job's folder found."""

    ABSENT = "absent"  # no folder
    VOID = "void"  # the folder was made to close the name
    WAITING = "waiting"  # folder, but no `begun` yet
    RUNNING = "running"
    ENDED = "ended"
    REFUSED = "refused"
    CUT_OFF = "cut_off"
    FOREIGN = "foreign"  # a folder of that name with other contents


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReport:
    """One job's folder as read from the node."""

    name: str
    node: str
    seen: JobSeen
    exit_code: int | None = None
    detail: str = ""  # refusal reason, or the last error line
    begun_at: float | None = None  # node clock, Unix seconds
    ended_at: float | None = None
    downtime_s: float | None = None  # handoff: leave-Online to last mounted, by the node's clock
    log_tail: str = ""
    log_age_s: float | None = None
    node_now: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFolder:
    """One folder under a machine's job root, as listed."""

    machine: str
    name: str
    campaign: str
    nonce: str
    version: int
    seen: JobSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job in campaign state."""

    order: JobOrder
    state: JobState
    opened_at: float  # lab
    started_at: float | None = None
    ended_at: float | None = None
    exit_code: int | None = None
    detail: str = ""
    downtime_s: float | None = None

    @property
    def worked(self) -> bool:
        """Whether it ended as asked. A resume that finds the node not Paused did: somebody was faster."""
        return self.state is JobState.ENDED and (
            self.exit_code == 0
            or (self.exit_code == NODE_NOT_PAUSED and self.order.command.effect.startswith("resume:"))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """The one transition that consumes a gate and allows its step."""

    gate: str
    step: str
    attempt: int
    digest: str
    approved_by: tuple[str, ...]  # persons
    users: tuple[str, ...]  # Slack ids
    fence: int
    token: str
    version: int  # the version the votes were read at
    not_after: float
    mac: str = ""


class OutcomeKind(StrEnum):
    """How one attempt of a step ended."""

    DONE = "done"
    NOT_STARTED = "not_started"  # its name was closed before it began; safe to ask again
    REFUSED = "refused"  # the job declined on the node; nothing was changed by it
    FAILED = "failed"  # ran, and the exit code or the check afterwards says no
    NEEDS_RESTART = "needs_restart"  # 3010 / 1641
    RETRY_LATER = "retry_later"  # 1618: another installation is running
    CUT_OFF = "cut_off"
    UNKNOWN = "unknown"  # cannot be observed: people are asked
    LEFT = "left"  # optional, and left undone: rejected, not answered, or not possible


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of one attempt."""

    step: str
    attempt: int
    kind: OutcomeKind
    sentence: str
    rule: str = ""
    checks: tuple[Check, ...] = ()
    exit_codes: tuple[int, ...] = ()
    took_s: float = 0.0  # lab
    downtime_s: float | None = None
    at: float = 0.0  # lab


# --- campaigns ----------------------------------------------------------------------------------------


class State(StrEnum):
    """Where a campaign is. The table in state/campaign.py lists every way between them."""

    PLANNING = "planning"  # asked for; the engine reads the cluster
    PROPOSED = "proposed"  # the plan is posted and waits for start; holds no lock
    READY = "ready"  # between steps; may carry a time before which nothing happens
    GATED = "gated"  # one gate is prepared or open
    ACTING = "acting"  # an intent stands; jobs may run
    PAUSING = "pausing"  # as ACTING, and will be PAUSED when the attempt has ended
    PAUSED = "paused"
    BLOCKED = "blocked"  # a rule blocks; re-read from time to time and on `recheck`
    ASKING = "asking"  # something cannot be observed: people must say
    ABORTING = "aborting"  # no new effects; waits until every job name is closed or ended
    DONE = "done"
    NOTHING_TO_DO = "nothing_to_do"
    REFUSED = "refused"  # no plan can be made
    EXPIRED = "expired"
    ABORTED = "aborted"


class Closing(StrEnum):
    """Why an open gate was closed without being consumed."""

    PAUSED = "paused"
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeImage:
    """What a node looked like before we first touched it; taken once per node and campaign."""

    machine: str
    groups: tuple[tuple[str, str], ...] = ()  # (group, owner) for every group of its cluster
    services: tuple[tuple[str, str, str], ...] = ()  # (service, state, start mode)
    paused: bool = False
    level: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Why a campaign does not move, when it does not."""

    rule: str
    sentence: str
    step: str = ""
    remedy: str = ""
    since: float = 0.0  # lab
    checks: tuple[Check, ...] = ()
    final: bool = False  # patience is over: posted as a stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """Mail that is down and was not taken down by the step in hand."""

    cms: str
    databases: tuple[str, ...]  # "SG1\\MBX1" of each that is dismounted; () = the server itself is not online
    seen_from: str  # the node that was asked
    since: float  # lab: the first look that found it so
    last_up: float = 0.0  # lab: the last look that found it up; 0 = there was none since the bot began to look


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """One package rolled over one cluster and its SCR targets: the snapshot every event folds into."""

    id: str
    nonce: str
    cluster: str
    channel: str
    state: State
    version: int
    head: str  # hash of the last event
    requester: Actor
    package_ref: str = ""  # as typed: KB or build, "" for the default
    package: Package | None = None
    options: Options = field(default_factory=Options)
    barred: tuple[str, ...] = ()  # persons who planned, started, retried or edited
    created_at: float = 0.0
    changed_at: float = 0.0
    thread_ts: str = ""
    plan: Plan | None = None
    plan_expires_at: float = 0.0  # lab; while PROPOSED
    step_index: int = 0
    attempt: int = 1
    not_before: float = 0.0  # lab: soak, settle, poll
    wait_reason: str = ""
    gate: Gate | None = None
    votes: tuple[Vote, ...] = ()
    intent: Intent | None = None
    jobs: tuple[Job, ...] = ()  # of the attempt in hand
    known_jobs: tuple[tuple[str, int], ...] = ()  # every job name ever opened, with the version it was opened at
    outcomes: tuple[Outcome, ...] = ()
    images: tuple[NodeImage, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    risk: Risk | None = None  # a waiver asked for, until its risk gate is over
    stop: Stop | None = None
    holds_locks: bool = False
    paused_nodes: tuple[str, ...] = ()  # nodes we paused and have not resumed
    outages: tuple[Outage, ...] = ()  # mail that is down and that people were told of
    user_downtime_s: float = 0.0

    @property
    def step(self) -> Step | None:
        """The step in hand, or None before the plan and after the last one."""
        if self.plan is None or self.step_index >= len(self.plan.steps):
            return None
        return self.plan.steps[self.step_index]

    @property
    def open_job(self) -> Job | None:
        """The job whose end is not known, if there is one."""
        for job in self.jobs:
            if job.state in (JobState.OPENED, JobState.STARTED):
                return job
        return None


# --- events -------------------------------------------------------------------------------------------
# One frozen dataclass per kind of event. An event's `type` in the stream is the class name's snake case
# (see state/campaign.py EVENTS). `at` is lab time and stands beside the data, not in it.


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignRequested:
    """`/rollup plan`: creates the campaign."""

    campaign: str
    nonce: str
    cluster: str
    channel: str
    by: Actor
    package_ref: str
    options: Options
    realm: Realm


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadOpened:
    """The live card was posted; its ts is the thread's."""

    ts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMade:
    """The plan stands and waits for start."""

    plan: Plan
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRefused:
    """A rule blocks the plan, or a fact could not be read."""

    rule: str
    sentence: str
    remedy: str
    checks: tuple[Check, ...] = ()
    parts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingToDo:
    """Every machine is at the level already."""

    sentence: str
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanExpired:
    """24 hours without a start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """`/rollup start`: takes all locks or none."""

    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePrepared:
    """The engine wants this gate in Slack."""

    gate: Gate
    images: tuple[NodeImage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOpened:
    """The gate's message stands in Slack; only now can it be voted on."""

    gate: str
    channel: str
    ts: str
    posted_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Voted:
    """A reaction was seen on the open gate: a bell, shown to people; the recount at consume decides."""

    vote: Vote


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteWithdrawn:
    """A reaction was taken back before the gate was consumed."""

    gate: str
    user: str
    emoji: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LateWithdrawal:
    """A reaction was taken back after the intent: recorded, does not stop the step."""

    gate: str
    user: str
    emoji: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChanged:
    """The list of people or the rules of approval changed while a gate was open."""

    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GateVoided:
    """Something the voters agreed to is no longer so."""

    gate: str
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateExpired:
    """Nobody approved in time."""

    gate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRejected:
    """An eligible person said no."""

    gate: str
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateConsumed:
    """The intent: from here the attempt may act."""

    intent: Intent
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOpened:
    """Written before a job's start is asked for."""

    order: JobOrder
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStarted:
    """The node holds the job's folder and accepted the start."""

    job: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnded:
    """The job's fate is known: ended, refused, closed or cut off."""

    job: str
    state: JobState
    exit_code: int | None = None
    detail: str = ""
    downtime_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailDown:
    """Mail of a server went down while nothing of ours was to take it away; people are told once for each outage."""

    outage: Outage


@dataclass(frozen=True, slots=True, kw_only=True)
class MailUp:
    """It is back."""

    cms: str
    seen_from: str
    since: float  # lab: the first look that found it up


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Something people would like to know while a job runs; changes nothing else."""

    step: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Nothing happens before `until`: soak, settle or resync."""

    until: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnded:
    """One attempt of a step has its outcome. `advance` moves on to the next step."""

    outcome: Outcome
    advance: bool
    not_before: float = 0.0
    wait_reason: str = ""
    insert: Step | None = None  # a step the outcome calls for, run next: a restart after 3010, a restore


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """A rule blocks the next gate."""

    stop: Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Unblocked:
    """The rule no longer blocks."""

    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The bot cannot tell and asks people."""

    stop: Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverAsked:
    """`/rollup waive`: a risk gate for one rule that blocks now. Bars the person from voting."""

    by: Actor
    rule: str
    step: str  # the step in hand, or "plan" before the start
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnAsked:
    """`/rollup return`: the handoff back, risk-gated, takes the place of every step that is left. Bars the person."""

    by: Actor
    reason: str
    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverDropped:
    """What was asked to be waived does not stand any more as it was asked: no risk gate opens."""

    rule: str
    step: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rechecked:
    """`/rollup recheck`: look again now."""

    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """`/rollup retry`: a new attempt of the step, with its own gate. Bars the person from voting."""

    by: Actor
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """`/rollup pause`: no new gate; an open one is closed; a running job goes on."""

    by: Actor
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """`/rollup resume`."""

    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class AbortRequested:
    """`/rollup abort`: no new effect from here on."""

    by: Actor
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aborted:
    """Every job name is closed or ended; the locks are released."""

    sentence: str
    by_hand: tuple[tuple[str, str], ...] = ()  # (purpose, command): puts back what differs from how it was found


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlocked:
    """A human released the locks before that, after being shown the open job."""

    by: Actor
    job: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """Every step is done and the end was checked."""

    sentence: str
    user_downtime_s: float
    checks: tuple[Check, ...] = ()
    by_hand: tuple[tuple[str, str], ...] = ()  # (purpose, command): puts back what differs from how it was found


Event = (
    CampaignRequested
    | ThreadOpened
    | PlanMade
    | PlanRefused
    | NothingToDo
    | PlanExpired
    | Started
    | GatePrepared
    | GateOpened
    | Voted
    | VoteWithdrawn
    | LateWithdrawal
    | PolicyChanged
    | GateVoided
    | GateExpired
    | GateRejected
    | GateConsumed
    | JobOpened
    | JobStarted
    | JobEnded
    | Progress
    | MailDown
    | MailUp
    | Waiting
    | StepEnded
    | Blocked
    | Unblocked
    | Asked
    | WaiverAsked
    | WaiverDropped
    | ReturnAsked
    | Rechecked
    | Retried
    | Paused
    | Resumed
    | AbortRequested
    | Aborted
    | Unlocked
    | Finished
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An event as it stands in the stream: version = stream id, hash-chained over its raw bytes."""

    version: int
    at: float  # lab
    event: Event
    prev: str
    hash: str


# --- what people are shown -------------------------------------------------------------------------------
# Kept beside the record and not in it: the newest reading and the running job's last line. No decision rests on it.


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSeen:
    """One clustered mailbox server as it was last seen."""

    cms: str
    up: bool | None  # online with every database mounted; None: not known
    said: str  # "Online on EXN1, 2 of 2 databases mounted", or why it is not known
    since: float = 0.0  # lab: the first of the readings in a row that all said so
    failover: bool | None = None  # whether a node could take it now
    failover_said: str = ""  # to where, or why not
    node: str = ""  # where it is; "" not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One reading of the machines, as people ask for it. Where something could not be read its text says why."""

    at: float  # lab, when reading was over
    mail: tuple[MailSeen, ...] = ()
    nodes: tuple[tuple[str, str], ...] = ()  # (node, Up | Down | Paused | Joining | Unknown) of every cluster read
    group: str = ""  # the default group and its owner
    quorum: str = ""  # votes and margin
    levels: tuple[tuple[str, str], ...] = ()  # (machine, build or why not)
    copies: tuple[str, ...] = ()  # those not Healthy, and lists that could not be read
    log_hours: str = ""  # how long the log volumes last; "" not read
    log_hours_at: float = 0.0  # lab, when they were asked: more seldom than the rest


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLine:
    """The last line of a running job's log."""

    job: str
    line: str
    at: float  # lab, when it was read
    age_s: float | None = None  # lab seconds it was old then; None: not known


# --- refusals -------------------------------------------------------------------------------------------


class RefusalKind(StrEnum):
    """Why something asked for was not done. One plain sentence each in handlers/texts.py."""

    UNKNOWN_CLUSTER = "unknown_cluster"
    UNKNOWN_CAMPAIGN = "unknown_campaign"
    UNKNOWN_COMMAND = "unknown_command"
    USAGE = "usage"
    UNDECLARED_PACKAGE = "undeclared_package"
    NO_PACKAGE = "no_package"
    SEVERAL_PACKAGES = "several_packages"
    BUSY = "busy"
    NOT_LISTED = "not_listed"
    WRONG_STATE = "wrong_state"
    FINISHED = "finished"
    NOT_ENOUGH_PEOPLE = "not_enough_people"
    WRONG_CHANNEL = "wrong_channel"
    NOT_WAIVABLE = "not_waivable"  # the rule does not block now, or nobody may set it aside
    NO_WAY_BACK = "no_way_back"  # nothing was moved, a node is Paused, or a step is under way
    PLAN_BLOCKED = "plan_blocked"  # the plan stands, and a rule keeps it from being started
    STORE_DOWN = "store_down"
    NOT_A_HUMAN_MESSAGE = "not_a_human_message"
    CHANNEL_UNREACHABLE = "channel_unreachable"  # the cluster's channel is unknown to Slack, or the bot is not in it


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A refusal with the parts its sentence needs."""

    kind: RefusalKind
    parts: tuple[tuple[str, str], ...] = ()

    def part(self, name: str) -> str:
        """One part by name, or an empty string."""
        return dict(self.parts).get(name, "")


# --- leases ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A worker process, so that one on the same host can tell that it is gone."""

    host: str
    boot_id: str
    pid: int
    pid_started: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A held lease: the fence only ever grows, the token is random."""

    name: str
    fence: int
    token: str
    owner: Owner
    until: float  # wall seconds by server TIME
