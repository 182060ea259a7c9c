"""What has been recorded so far of a campaign whose record is walked, event by event."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.procedure.order.board import Board, Violation
from state import words as w

SET_BACK_S = 60.0
"""How far a clock may be set back between a time that is noted in an event and the time the event is written at.

Events themselves are never older than the one before; the bot sees to that (`Store.apply`).
"""


@dataclass(slots=True)
class Walk:
    """What has been recorded so far."""

    found: list[Violation] = field(default_factory=list)
    version: int = 0
    at: float = 0.0
    board: Board | None = None
    steps: list[w.Step] = field(default_factory=list)
    index: int = 0
    request: w.CampaignRequested | None = None
    thread: str = ""  # the ts of the campaign's thread
    messages: set[str] = field(default_factory=set)  # the ts of every gate's message
    barred: set[str] = field(default_factory=set)
    gates: dict[str, w.Gate] = field(default_factory=dict)
    open: str = ""  # the gate that may be consumed
    posted: set[str] = field(default_factory=set)
    votes: dict[tuple[str, str], w.Vote] = field(
        default_factory=dict
    )  # (user, emoji), on the open gate, not taken back
    voters: set[tuple[str, str, str]] = field(default_factory=set)  # (gate, user, emoji) of every vote ever seen
    bells: set[str] = field(default_factory=set)  # the Slack event of every vote that came of one
    intents: dict[str, w.Intent] = field(default_factory=dict)  # by gate
    intent: w.Intent | None = None
    jobs: list[w.JobOrder] = field(default_factory=list)  # of the attempt in hand
    names: set[str] = field(default_factory=set)
    opened_at: dict[str, float] = field(default_factory=dict)  # job: when it was opened
    began: set[str] = field(default_factory=set)  # jobs that were seen started
    ends: dict[str, w.JobEnded] = field(default_factory=dict)  # by job
    down_s: float = 0.0  # user downtime of all outcomes so far
    running: str = ""
    not_before: float = 0.0  # no step's gate is prepared earlier: soak, settle, another installation
    failed: bool = False  # a job of the attempt did not end well
    wrong: str = ""  # that job, unless it was cut off and only the machines can tell
    paused: set[str] = field(default_factory=set)
    moved: set[str] = field(default_factory=set)  # groups, folded, that a job of this record was to move
    images: list[w.NodeImage] = field(default_factory=list)
    waivers: dict[tuple[str, str], w.Waiver] = field(default_factory=dict)  # (step, rule), as approved
    risk: w.WaiverAsked | None = None
    stop: w.Stop | None = None  # what the campaign stands still on
    ended: w.Outcome | None = None  # of the attempt that has ended with the event before
    plan: w.Plan | None = None
    plan_until: float = 0.0
    started: bool = False
    aborting: bool = False
    finished: bool = False

    def no(self, rule: str, sentence: str) -> None:
        """Note a violation at the event in hand."""
        step = self.steps[self.index].id if self.index < len(self.steps) else ""
        self.found.append(Violation(rule=rule, sentence=sentence, step=step, version=self.version))

    @property
    def step(self) -> w.Step | None:
        """The step in hand."""
        return self.steps[self.index] if self.index < len(self.steps) else None
