"""Plays a plan on facts alone: what each step would leave behind if it went well."""

from __future__ import annotations

from dataclasses import replace

from bot.engine.reading import image_of
from bot.procedure.context import Context
from bot.procedure.facts import EstateFacts, NodeStatus, same_name
from bot.procedure.rules import evaluate
from bot.procedure.steps import commands
from state.words import Check, Command, NodeImage, Plan, Step, StepKind, Waiver, When
from tests.procedure.build import NEW, NOW, change, each_view, level, logons, node_state, recms, regroup, services


def after(facts: EstateFacts, step: Step, made: tuple[Command, ...]) -> EstateFacts:
    """The facts once these commands have worked."""
    for command in made:
        verb, _, rest = command.effect.partition(":")
        if verb == "move":
            group, to = rest.rsplit(":", 1)
            facts = regroup(facts, group, owner=to)
        elif verb == "pause":
            facts = node_state(facts, rest, NodeStatus.PAUSED)
        elif verb == "resume":
            facts = node_state(facts, rest, NodeStatus.UP)
        elif verb == "install":
            facts = change(facts, command.node, level=level(NEW))
        elif verb == "handoff":
            cms, to = rest.rsplit(":", 1)
            facts = recms(facts, cms, active_node=to)
            facts = each_view(
                facts,
                lambda view, cms=cms, to=to: replace(  # type: ignore[misc]
                    view, groups=tuple(replace(g, owner=to) if same_name(g.name, cms) else g for g in view.groups)
                ),
            )
            facts = change(facts, step.source, services=services())
            facts = change(facts, to, services=services(active=True), mapi=logons(cms))
    return facts


def image(facts: EstateFacts, name: str) -> NodeImage:
    """The before-image of a machine."""
    found = image_of(facts, name)
    assert found is not None
    return found


def waivers(step: str, checks: tuple[Check, ...], rules: tuple[str, ...]) -> tuple[Waiver, ...]:
    """Bob accepts, for a step or "plan", the findings of these rules that may be waived."""
    return tuple(
        Waiver(
            rule=one.rule,
            step=step,
            reason="x",
            by="alice",
            approved_by=("bob",),
            facts=one.values,
            expires_at=NOW + 1e6,
        )
        for one in checks
        if one.stops and one.waivable and one.rule in rules
    )


def campaign(
    plan: Plan, facts: EstateFacts, waived: tuple[str, ...] = ()
) -> list[tuple[Step, tuple[Check, ...], tuple[Check, ...], EstateFacts]]:
    """Every step with its gate's checks, the checks after it, and the facts it left.

    `waived` rules are accepted by a waiver of their own at each gate where they block.
    """
    walked = []
    context = Context()
    paused: tuple[str, ...] = ()
    for step in plan.steps:
        asked = facts
        if step.kind is StepKind.HANDOFF:
            asked = change(facts, step.target, validate=((step.cms, ""),))
        if not any(same_name(one.machine, step.target) for one in context.images):
            context = replace(context, images=(*context.images, image(facts, step.target)))
        context = replace(context, paused_by_us=paused, gate_checks=())
        gate = evaluate(When.GATE, asked, package=plan.package, context=context, plan=plan, step=step)
        if accepted := waivers(step.id, gate, waived):
            context = replace(context, waivers=accepted)
            gate = evaluate(When.GATE, asked, package=plan.package, context=context, plan=plan, step=step)
        made = commands(step, facts, plan.package, campaign="CLUSTER01-7", images=context.images)
        facts = after(facts, step, made)
        for command in made:
            verb, _, node = command.effect.partition(":")
            if verb == "pause":
                paused = (*paused, node)
            if verb == "resume":
                paused = tuple(one for one in paused if one != node)
        context = replace(context, gate_checks=gate, paused_by_us=paused)
        done = evaluate(When.AFTER, facts, package=plan.package, context=context, plan=plan, step=step)
        context = replace(context, done=(*context.done, step.id), waivers=())
        walked.append((step, gate, done, facts))
    return walked
