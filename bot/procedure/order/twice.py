"""What a record says in two places: both have to say the same. None of this needs to know what a rule means."""

from __future__ import annotations

from collections.abc import Iterator

from bot.procedure.facts import same_name, short
from bot.procedure.levels import Build
from state import words as w


def out_of_form(checks: tuple[w.Check, ...], when: w.When) -> Iterator[tuple[str, str]]:
    """(rule, words) for a check that stands where it does not belong, twice, or contradicts its own shape."""
    seen: set[str] = set()
    for check in checks:
        if not check.rule or check.rule in seen:
            yield check.rule or "PRE-COMPLETE", f"judges {check.rule or 'no rule'} more than once"
        seen.add(check.rule)
        if check.when is not when:
            yield check.rule, f"shows {check.rule} as judged at another moment ({check.when})"
        if not check.applicable and (check.verdict is not w.Verdict.PASS or check.facts):
            yield check.rule, f"says that {check.rule} does not apply, and judges it"
        if check.waived_by and (check.verdict is not w.Verdict.WARN or not check.waivable):
            yield check.rule, f"says that {check.rule} was waived, and it cannot have been"


def unlike_its_gate(gate: w.Gate, event: w.GateConsumed) -> Iterator[tuple[str, str]]:
    """(rule, words) where an intent does not rest on what its gate showed: both name the facts that do not move."""
    if gate.waiver is not None:
        if set(event.facts) != set(gate.waiver.facts):
            yield gate.waiver.rule, "was accepted for other values than it showed"
        return
    shown = {
        fact for check in gate.checks if check.verdict is not w.Verdict.WARN for fact in check.facts if not fact.moving
    }
    odd = next(iter(sorted(shown ^ set(event.facts), key=lambda fact: (fact.machine, fact.name, fact.value))), None)
    if odd is not None:
        of = (odd.machine, odd.name)
        named = (check.rule for check in gate.checks if of in {(fact.machine, fact.name) for fact in check.facts})
        rule = next(named, "PRE-COMPLETE")
        at = f" of {odd.machine}" if odd.machine else ""
        where = "its gate only" if odd in shown else "its intent only"
        yield rule, f"names {odd.name}{at} as {odd.value} in {where}"


def unlike_its_image(gate: w.Gate, images: tuple[w.NodeImage, ...]) -> Iterator[tuple[str, str]]:
    """(rule, words) where a before-image is not of the gate's machine, or shows what the gate's own facts do not."""
    facts = {check.rule: check.facts for check in gate.checks}
    groups = {
        (fact.name.removeprefix("group ").casefold(), short(fact.value.partition(" ")[0]))
        for fact in facts.get("GROUPS-SNAPSHOT", ())
    }
    services = {
        (fact.name.removeprefix("service "), *fact.value.split(", ")) for fact in facts.get("SERVICES-SNAPSHOT", ())
    }
    paused = {fact.value == "Paused" for fact in facts.get("NODE-MEMBER", ()) if fact.name == "node state"}
    for image in images:
        if not same_name(image.machine, gate.target):
            yield "GROUPS-SNAPSHOT", f"keeps an image of {image.machine}, which it does not touch"
            continue
        if {(name.casefold(), short(owner)) for name, owner in image.groups} != groups:
            yield "GROUPS-SNAPSHOT", f"keeps another image of the groups on {image.machine} than it shows"
        if services and set(image.services) != services:
            yield "SERVICES-SNAPSHOT", f"keeps another image of the services of {image.machine} than it shows"
        if {image.paused} != (paused or {False}):
            yield "NODE-MEMBER", f"keeps another state of {image.machine} than it shows"


def unlike_the_request(plan: w.Plan, request: w.CampaignRequested) -> Iterator[tuple[str, str]]:
    """(rule, words) where a plan is not what was asked for."""
    if not same_name(plan.cluster, request.cluster):
        yield "PRE-COMPLETE", f"is for {plan.cluster}, and {request.cluster} was asked for"
    if plan.options != request.options:
        yield "PRE-COMPLETE", "has other options than were asked for"
    wanted, kb = request.package_ref.casefold(), plan.package.kb.casefold()
    if wanted and wanted not in (kb, kb.removeprefix("kb"), plan.package.build):
        yield "PKG-NAME", f"is for {plan.package.kb}, and {request.package_ref} was asked for"


def unlike_itself(plan: w.Plan) -> Iterator[tuple[str, str]]:
    """(rule, words) where the lists of a plan do not belong together: machines, targets, users, steps."""
    lines = {short(line.name): line for line in plan.machines}
    nodes = {key for key, line in lines.items() if line.role in {"active", "passive"}}
    if len(lines) != len(plan.machines) or {short(one) for one in plan.machine_set} != set(lines):
        yield "PRE-COMPLETE", "reads other machines than it lists"
    targets = {short(line.name) for line in plan.machines if short(line.name) not in nodes}
    if not {short(one) for one in plan.scr_targets} <= targets or any(
        line.role == "scr-target" and key not in {short(one) for one in plan.scr_targets} for key, line in lines.items()
    ):
        yield "SCR-TARGETS-FIRST", "has other SCR targets than its machines show"
    for line in plan.machines:
        if line.role not in {"active", "passive", "scr-target", "standby"}:
            yield "PRE-COMPLETE", f"does not know what {line.name} is"
    for step in plan.steps:
        at = lines.get(short(step.target))
        if at is None:
            continue
        node = short(step.target) in nodes
        if (
            step.role != ("node" if node else "scr-target")
            or step.cluster.casefold() != (plan.cluster if node else at.cluster).casefold()
        ):
            yield "PRE-COMPLETE", f"calls {step.target} a {step.role} of '{step.cluster}' in {step.id}, which it is not"
        handoff = step.kind is w.StepKind.HANDOFF
        if (
            bool(step.cms) != handoff
            or bool(step.source) != handoff
            or (step.to and step.kind is not w.StepKind.EVACUATE)
        ):
            yield "PRE-COMPLETE", f"gives step {step.id} what a step of its kind does not have"
        if handoff and not any(same_name(step.cms, one) for one in plan.cms):
            yield "MOVE-READY", f"moves {step.cms}, which is no mail server of the cluster"
        options = {one for one in step.option.split("+") if one}
        allowed = {"failback"} if plan.options.failback else set()
        allowed |= {"stop-move-start"} if plan.options.stop_move_start else set()
        if not options <= (allowed if handoff else {"reboot-first"} if step.kind is w.StepKind.RESTART else set()):
            yield "PRE-COMPLETE", f"carries out {step.id} with {step.option}, which nobody asked for"
        if handoff and plan.options.stop_move_start and "stop-move-start" not in options:
            yield "PRE-COMPLETE", f"leaves out --stop-move-start in {step.id}"
    levels = [_build(lines[key].level) for key in nodes]
    if plan.old_level and None not in levels and _build(plan.old_level) != min(one for one in levels if one):
        yield "LEVEL-AGREE", f"says that its nodes are at {plan.old_level}, and shows other levels"
    if len(set(plan.cms)) != len(plan.cms):
        yield "PRE-COMPLETE", "names a mail server twice"
    if plan.users:
        alone = {short(name) for name in plan.scr_targets if short(name) in lines and not lines[short(name)].cluster}
        if {short(name) for name, _ in plan.users} != {short(one) for one in plan.cms} | alone:
            yield "NOTICE", "names other users than those of its mail servers and targets"
    if plan.downtime_s != sum(step.downtime_s for step in plan.steps) or plan.duration_s < sum(
        step.expected_s for step in plan.steps
    ):
        yield "NOTICE", "promises another downtime than its steps"


def _build(text: str) -> Build | None:
    try:
        return Build.parse(text)
    except ValueError:
        return None
