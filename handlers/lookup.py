"""From a typed word to a cluster, a campaign or a package, or to the refusal that names the nearest ones."""

from __future__ import annotations

import re

from handlers.blocks import people
from handlers.deps import Deps, Place
from handlers.grammar import nearest
from handlers.stands import FINAL, STATE_WORDS
from handlers.wording import escape
from state.guards import waivable_blocks
from state.words import Campaign, Check, Package, Policy, Refusal, RefusalKind, State

_CAMPAIGN = re.compile(r"(?P<cluster>.+)-(?P<number>\d{1,9})\Z")


def _coded(words: tuple[str, ...], last: str = "or") -> str:
    spans = [f"`{escape(word)}`" for word in words]
    return spans[0] if len(spans) == 1 else f"{', '.join(spans[:-1])} {last} {spans[-1]}" if spans else ""


def _short(name: str) -> str:
    return name.strip().split(".", 1)[0].casefold()


def thread_link(deps: Deps, campaign: Campaign, label: str = "its thread") -> str:
    """A link to a campaign's thread, or its channel where no link can be built."""
    url = deps.identity.url.rstrip("/")
    if not url or not campaign.thread_ts:
        return f"<#{campaign.channel}>"
    return f"<{url}/archives/{campaign.channel}/p{campaign.thread_ts.replace('.', '')}|{label}>"


def message_link(deps: Deps, campaign: Campaign, ts: str, label: str) -> str:
    """A link to one message of a campaign's thread."""
    url = deps.identity.url.rstrip("/")
    if not url or not ts:
        return f"<#{campaign.channel}>"
    query = f"?thread_ts={campaign.thread_ts}&cid={campaign.channel}" if campaign.thread_ts else ""
    return f"<{url}/archives/{campaign.channel}/p{ts.replace('.', '')}{query}|{label}>"


def cluster(deps: Deps, typed: str) -> Place | Refusal:
    """A declared cluster by any spelling (case, fully qualified). A machine's name is only a hint."""
    places = deps.places()
    for place in places:
        if _short(place.cluster) == _short(typed):
            return place
    names = tuple(place.cluster for place in places)
    of_machine = tuple(p.cluster for p in places if any(_short(m) == _short(typed) for m in p.machines))
    close = of_machine or nearest(_short(typed), names)
    known = _coded(names, "and") if len(names) <= 20 else _coded(names[:20]) + " …"
    parts = (("typed", typed), ("nearest", _coded(close)), ("known", known), ("file", deps.config_file))
    return Refusal(kind=RefusalKind.UNKNOWN_CLUSTER, parts=parts)


def is_name(deps: Deps, word: str) -> bool:
    """Whether a word names a declared cluster or could be a campaign of one."""
    match = _CAMPAIGN.match(word)
    return any(
        _short(p.cluster) == _short(word) or (match is not None and _short(p.cluster) == _short(match["cluster"]))
        for p in deps.places()
    )


def campaign(deps: Deps, typed: str, *, for_start: bool = False, ended_too: bool = False) -> Campaign | Refusal:
    """A campaign by its id, or by its cluster's name when one is open there.

    With several plans on a cluster the one that runs is meant; for `start` the newest plan.
    """
    exact = _by_id(deps, typed)
    if exact is not None:
        return exact
    place = cluster(deps, typed)
    if isinstance(place, Refusal):
        return place if _CAMPAIGN.match(typed) is None and not deps.store.active() else _unknown(deps, typed)
    found = deps.store.by_cluster(place.cluster)
    open_ones = [c for c in found if c.state not in FINAL]
    plans = [c for c in open_ones if c.state in {State.PLANNING, State.PROPOSED}]
    running = [c for c in open_ones if c not in plans]
    wanted = (plans if for_start and plans else running) or plans
    if wanted and (len(wanted) == 1 or for_start):
        return max(wanted, key=lambda c: c.created_at)
    if wanted:
        parts = (("typed", typed), ("nearest", _coded(tuple(c.id for c in wanted))))
        return Refusal(kind=RefusalKind.UNKNOWN_CAMPAIGN, parts=parts)
    if found and ended_too:
        return found[0]
    return finished(deps, found[0]) if found else _unknown(deps, typed)


def _by_id(deps: Deps, typed: str) -> Campaign | None:
    match = _CAMPAIGN.match(typed.strip())
    if match is None:
        return None
    for place in deps.places():
        if _short(place.cluster) == _short(match["cluster"]):
            found = deps.store.get(f"{place.cluster}-{int(match['number'])}")
            if found is not None:
                return found
    return deps.store.get(typed.strip())


def _unknown(deps: Deps, typed: str) -> Refusal:
    ids = tuple(c.id for c in deps.store.active())
    names = (*ids, *(place.cluster for place in deps.places()))
    close = tuple(name for name in nearest(typed, names) if name.casefold() != typed.casefold())
    parts = (("typed", typed), ("nearest", _coded(close)), ("open", _coded(ids[:10], "and")))
    return Refusal(kind=RefusalKind.UNKNOWN_CAMPAIGN, parts=parts)


def finished(deps: Deps, ended: Campaign) -> Refusal:
    """The refusal for a campaign that has ended."""
    parts = (("campaign", ended.id), ("state", STATE_WORDS[ended.state]), ("cluster", ended.cluster),
             ("link", thread_link(deps, ended)))  # fmt: skip
    return Refusal(kind=RefusalKind.FINISHED, parts=parts)


def not_waivable(deps: Deps, now: Campaign, rule: str) -> Refusal:
    """The refusal for a rule that does not block now, or that nobody may set aside."""
    can = tuple(check.rule for check in waivable_blocks(now))
    stop = now.stop.checks if now.stop is not None else now.plan.checks if now.plan is not None else ()
    hard = tuple(dict.fromkeys(check.rule for check in stop if check.stops and not check.waivable))
    parts = (("rule", rule), ("campaign", now.id), ("known", _coded(can, "and")), ("problem", _coded(hard, "and")),
             ("link", thread_link(deps, now)))  # fmt: skip
    return Refusal(kind=RefusalKind.NOT_WAIVABLE, parts=parts)


def no_way_back(deps: Deps, now: Campaign, why: str) -> Refusal:
    """The refusal of a return. `why` is the guard's word."""
    said = {
        "nothing_was_moved": "no mail server was moved by this campaign, or it was returned already",
        "a_node_is_paused": f"{', '.join(now.paused_nodes)} is Paused, and a mail server is not moved while a node is out",
    }.get(why, "a step is under way, or was not yet judged")
    parts = (
        ("campaign", now.id),
        ("cluster", now.cluster),
        ("problem", escape(said)),
        ("link", thread_link(deps, now)),
    )
    return Refusal(kind=RefusalKind.NO_WAY_BACK, parts=parts)


def plan_blocked(deps: Deps, now: Campaign, blocks: tuple[Check, ...]) -> Refusal:
    """The refusal for starting a plan that a rule stops."""
    rules = tuple(dict.fromkeys(check.rule for check in blocks))
    parts = (("campaign", now.id), ("cluster", now.cluster), ("problem", _coded(rules, "and")),
             ("rule", rules[0] if rules else ""), ("link", thread_link(deps, now)))  # fmt: skip
    return Refusal(kind=RefusalKind.PLAN_BLOCKED, parts=parts)


def package(deps: Deps, typed: str, cluster_name: str) -> Package | Refusal:
    """A declared package by KB (with or without `KB`) or build; none typed means the only one."""
    declared = deps.packages()
    said = _coded_packages(declared)
    if not declared:
        return Refusal(kind=RefusalKind.NO_PACKAGE, parts=(("file", deps.config_file),))
    if not typed:
        if len(declared) == 1:
            return declared[0]
        parts = (("declared", said), ("cluster", cluster_name), ("first", declared[0].kb))
        return Refusal(kind=RefusalKind.SEVERAL_PACKAGES, parts=parts)
    wanted = typed.casefold()
    for one in declared:
        if wanted in {one.kb.casefold(), one.kb.casefold().removeprefix("kb"), one.build.casefold()}:
            return one
    name = typed.upper() if re.fullmatch(r"(?i)kb\d+", typed) else f"KB{typed}" if typed.isdigit() else typed
    parts = (("typed", name), ("declared", said), ("file", deps.config_file))
    return Refusal(kind=RefusalKind.UNDECLARED_PACKAGE, parts=parts)


def _coded_packages(declared: tuple[Package, ...]) -> str:
    return ", ".join(f"`{escape(one.kb)}` ({escape(one.build)})" for one in declared[:10])


# --- people ---------------------------------------------------------------------------------------------------


def listed(policy: Policy) -> tuple[str, ...]:
    """Everyone who may ask or approve, requesters first."""
    return tuple(dict.fromkeys((*policy.requesters, *policy.approvers)))


def not_listed(deps: Deps, policy: Policy, user: str, command: str, cluster_name: str) -> Refusal | None:
    """The refusal for somebody who is on no list; None for everyone else."""
    if user in listed(policy):
        return None
    parts = (("user", user), ("command", command), ("cluster", cluster_name), ("file", deps.config_file),
             ("people", people(listed(policy)[:12], "and")))  # fmt: skip
    return Refusal(kind=RefusalKind.NOT_LISTED, parts=parts)


def too_few(deps: Deps, policy: Policy, barred: tuple[str, ...], user: str, command: str) -> Refusal | None:
    """The refusal where this person's doing it would leave fewer eligible approvers than the quorum."""
    quorum = max(1, policy.quorum)
    taken = {*barred, *(policy.person(name) for name in barred)}

    def left(asker: str) -> set[str]:
        return {policy.person(a) for a in policy.approvers} - taken - {policy.person(asker)}

    remaining = left(user)
    if len(remaining) >= quorum:
        return None
    able = [a for a in policy.approvers if policy.person(a) in remaining]
    could = [
        other for other in listed(policy) if len(left(other)) >= quorum and policy.person(other) != policy.person(user)
    ]
    parts = (("command", command), ("eligible", "only " + people(able, "and") if able else "nobody"),
             ("quorum", "1 is" if quorum == 1 else f"{quorum} are"), ("could", people(could[:8])),
             ("file", deps.config_file))  # fmt: skip
    return Refusal(kind=RefusalKind.NOT_ENOUGH_PEOPLE, parts=parts)
