"""Makes the plan, and lets it expire."""

from __future__ import annotations

from bot.engine.reading import STILL_FRESH_S, read
from bot.engine.rooms import Rooms
from bot.engine.show import show
from bot.engine.turn import Turn
from bot.procedure.asked import wanted
from bot.procedure.context import Context
from bot.procedure.facts import EstateFacts, Inventory
from bot.procedure.planner import Nothing, PlanRefusal, make_plan
from state.words import Campaign, NothingToDo, Package, Plan, PlanExpired, PlanMade, PlanRefused, When


def plan(turn: Turn, campaign: Campaign) -> None:
    """Read the cluster and everything its facts name, judge every rule, write the plan or why there is none."""
    rooms = turn.rooms
    inventory = rooms.config.inventory(campaign.cluster)
    package = rooms.package(campaign)
    if inventory is None:
        turn.write(
            campaign,
            PlanRefused(
                rule="INVENTORY",
                sentence=f"{campaign.cluster} is no longer declared in rollup.toml.",
                remedy=f"Declare [clusters.{campaign.cluster}] with its nodes and ask again.",
            ),
            "plan",
        )
        return
    if package is None:
        turn.write(
            campaign,
            PlanRefused(
                rule="PKG-DECLARED",
                sentence=f"No declared package answers to “{campaign.package_ref}”.",
                remedy="Declare it in rollup.toml under [packages.KB…] with path, sha256 and build.",
            ),
            "plan",
        )
        return
    if turn.seen is None or rooms.store.server_time() - turn.seen.read_at > STILL_FRESH_S:
        turn.seen = _read(
            rooms, inventory, package
        )  # else somebody wrote while this turn read: decided again, on the same
    made = _made(rooms, campaign, package, turn.seen)
    if isinstance(made, PlanRefusal):
        turn.write(
            campaign,
            PlanRefused(
                rule=made.rule, sentence=made.sentence, remedy=made.remedy, checks=made.checks, parts=made.parts
            ),
            "plan",
        )
    elif isinstance(made, Nothing):
        turn.write(campaign, NothingToDo(sentence=made.sentence, checks=made.checks), "plan")
    else:
        turn.write(campaign, PlanMade(plan=made, expires_at=made.made_at + rooms.config.pace.plan_expiry_s), "plan")


def made_now(rooms: Rooms, campaign: Campaign, inventory: Inventory, package: Package) -> Plan | PlanRefusal | Nothing:
    """The plan by facts read now."""
    return _made(rooms, campaign, package, _read(rooms, inventory, package))


def _read(rooms: Rooms, inventory: Inventory, package: Package) -> EstateFacts:
    return read(rooms, inventory, package, asked=wanted(When.PLAN, None, inventory.nodes))


def _made(rooms: Rooms, campaign: Campaign, package: Package, facts: EstateFacts) -> Plan | PlanRefusal | Nothing:
    show(rooms, campaign, facts)
    context = Context(options=campaign.options, limits=rooms.config.limits, durations=rooms.durations())
    return make_plan(facts, package, campaign.options, context=context, bot_version=rooms.config.bot_version)


def drafted(rooms: Rooms, campaign: Campaign) -> Plan | str:
    """The plan as it would be made now for a campaign that has one, or the sentence that says why there is none."""
    inventory = rooms.config.inventory(campaign.cluster)
    package = rooms.package(campaign)
    if inventory is None or package is None:
        return f"{campaign.cluster} or its package is no longer declared in rollup.toml."
    made = made_now(rooms, campaign, inventory, package)
    return made if isinstance(made, Plan) else made.sentence


def expire(turn: Turn, campaign: Campaign) -> None:
    """A plan nobody started is over; facts that old decide nothing."""
    turn.write(campaign, PlanExpired(), "expire-plan")
