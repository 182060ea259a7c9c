"""What the campaign itself knows when a rule is judged: steps done, images, waivers, restarts owed, limits.

Facts say how the machines are; this says what we did to them. Everything here comes from campaign state, so a
worker that has just been started judges exactly as the one that died.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from state.words import (
    Campaign,
    Check,
    JobState,
    NodeImage,
    Options,
    OutcomeKind,
    Step,
    StepKind,
    Waiver,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The numbers rules compare with. Seconds are lab seconds unless said otherwise."""

    copy_queue: int = 10  # logs a copy may still have to fetch before a handoff
    replay_queue: int = 50  # logs a CCR copy may still have to replay: they delay mounting
    disk_free_mb: int = 3072  # Installer cache, rollback and Ngen; no figure is published (facts/exchange.md §5)
    skew_s: float = 60.0  # wall seconds (DESIGN §7)
    backup_age_s: float = 7 * 86400.0
    settle_s: float = 600.0  # after a restart or a start of the Cluster service (facts/exchange.md §9)
    initializing_s: float = 1800.0  # how long copies may take to be Healthy again before people are told
    views_s: float = 120.0  # how long two nodes' views may differ while something moves
    queue_messages: int = 100  # that may wait on one Hub Transport server for a mail server that has moved
    queues_s: float = 600.0  # how long they may take to drain: a queue is tried again every few minutes
    handoff_margin_s: float = 600.0  # a handoff does not start with less than this left of the window


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """How long things take, lab seconds: defaults until there is measured history."""

    evacuate_s: float = 120.0
    install_s: float = 2400.0
    install_without_crl_s: float = 3600.0  # facts/exchange.md §5: 40 to 60 minutes when the CRL is out of reach
    restart_s: float = 900.0
    handoff_s: float = 300.0
    downtime_s: float = 180.0
    restore_s: float = 120.0
    measured: tuple[
        tuple[StepKind, float, int], ...
    ] = ()  # (kind, p90 lab seconds, of how many), where there are enough

    def expected(self, step: Step) -> float:
        """How long a step should take: the measured p90 of its kind, else what its plan said."""
        return next((took for kind, took, _ in self.measured if kind is step.kind), step.expected_s)

    def basis(self, kind: StepKind) -> str:
        """Where that figure comes from, in words."""
        count = next((count for one, _, count in self.measured if one is kind), 0)
        return f"p90 of {count} measured" if count else "default, not measured yet"

    def category(self, kind: StepKind) -> str:
        """What of it enters a digest: whether it is measured, never the number."""
        return f"{'measured' if any(one is kind for one, _, _ in self.measured) else 'default'}:{kind}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The campaign's side of a judgement; the empty one is that of a plan."""

    done: tuple[str, ...] = ()  # ids of steps whose outcome was DONE
    images: tuple[NodeImage, ...] = ()  # before-images, once per node and campaign
    waivers: tuple[Waiver, ...] = ()
    restarts_owed: tuple[str, ...] = ()  # machines whose install ended 3010 or 1641 and that have not restarted
    unverified: tuple[str, ...] = ()  # machines where an install ran and the checks after it have not passed
    running: tuple[str, ...] = ()  # machines where one of our jobs has begun and has not ended
    paused_by_us: tuple[str, ...] = ()
    emptied_by_us: tuple[str, ...] = ()  # machines where a job of an evacuation was opened: its pause may be ours
    gate_checks: tuple[Check, ...] = ()  # AFTER: the checks of the gate that allowed the step
    options: Options = field(default_factory=Options)
    limits: Limits = field(default_factory=Limits)
    durations: Durations = field(default_factory=Durations)
    downtime_s: float | None = None  # AFTER a handoff: the outage its job measured; None = it could not say
    step_done_at: float = 0.0  # lab: when the last step ended


def context_of(campaign: Campaign, *, limits: Limits | None = None, durations: Durations | None = None) -> Context:
    """The context of a campaign as it stands.

    An install that did not end DONE leaves its machine unverified until a later attempt (or the restart it
    called for) does; NEEDS_RESTART leaves a restart owed until a restart of that machine is DONE.
    """
    steps = {step.id: step for step in campaign.plan.steps} if campaign.plan else {}
    done: list[str] = []
    owed: dict[str, None] = {}
    unverified: dict[str, None] = {}
    for outcome in campaign.outcomes:
        step = steps.get(outcome.step)
        if outcome.kind is OutcomeKind.DONE:
            done.append(outcome.step)
        if step is None:
            continue
        if step.kind is StepKind.INSTALL:
            if outcome.kind is OutcomeKind.DONE:
                unverified.pop(step.target, None)
            elif outcome.kind is OutcomeKind.NEEDS_RESTART:
                owed[step.target] = None
                unverified[step.target] = None
            elif outcome.kind in {OutcomeKind.FAILED, OutcomeKind.CUT_OFF, OutcomeKind.UNKNOWN}:
                unverified[step.target] = None
        if step.kind is StepKind.RESTART and outcome.kind is OutcomeKind.DONE:
            owed.pop(step.target, None)
            if step.option != "reboot-first":
                unverified.pop(step.target, None)
    gate = campaign.gate
    opened = {name.removeprefix(f"{campaign.id}-{campaign.nonce}-").split("-")[0] for name, _ in campaign.known_jobs}
    emptied = (step.target for step in steps.values() if step.kind is StepKind.EVACUATE and step.id in opened)
    open_states = (JobState.OPENED, JobState.STARTED)
    running = tuple(dict.fromkeys(j.order.command.node for j in campaign.jobs if j.state in open_states))
    return Context(
        done=tuple(done),
        images=campaign.images,
        # A step that has begun under a waiver keeps it to its end: msiexec is not asked to hurry.
        waivers=tuple(replace(one, expires_at=0.0) for one in campaign.waivers)
        if campaign.intent
        else campaign.waivers,
        restarts_owed=tuple(owed),
        unverified=tuple(unverified),
        running=running,
        paused_by_us=campaign.paused_nodes,
        emptied_by_us=tuple(emptied),
        gate_checks=gate.checks
        if gate and gate.kind == "step" and campaign.step and gate.step == campaign.step.id
        else (),
        options=campaign.options,
        limits=limits or Limits(),
        durations=durations or Durations(),
        downtime_s=next((j.downtime_s for j in reversed(campaign.jobs) if j.downtime_s is not None), None),
        step_done_at=campaign.outcomes[-1].at if campaign.outcomes else 0.0,
    )
