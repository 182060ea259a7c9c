"""Quorum: S8 of the document. Whether the votes left without a node keep its cluster formed, by its own model."""

from __future__ import annotations

from bot.procedure.facts import NodeStatus, QuorumModel, Unknown, same_name
from bot.procedure.picture import Picture
from bot.procedure.rules.case import NODE_STEPS, Case, Finding, Rule, blocks, not_needed, passes, together, unknown
from state.words import Fact

_DISK_DECIDES = (QuorumModel.DISK_2003, QuorumModel.DISK_ONLY)
_LOOK_2003 = (
    "Run Test-ReplicationHealth on a node that stays. Exchange without a service pack has none, and nothing else proves "
    "that the share votes: install a service pack first, or patch by hand once the share is seen to work."
)
_WITNESS_VOTES = (QuorumModel.MNS_SHARE, QuorumModel.NODE_DISK, QuorumModel.NODE_SHARE)


def quorum_survives(case: Case) -> Finding:
    """S8: the votes left without the node, witness included, keep the cluster formed."""
    found = [_quorum(case, picture, name) for picture, name in case.leaving]
    if not found:
        return not_needed("No cluster node is taken out: quorum is not touched.")
    return together(found, " ".join(dict.fromkeys(one.sentence for one in found)))


def _quorum(case: Case, picture: Picture, node: str) -> Finding:
    if len(picture.nodes) == 1 and (held := picture.cms_groups_on(node)):
        return blocks(
            f"{picture.name} has one node, and it holds '{held[0].name}': without it the cluster goes down, mail with it.",
            "Add a node that can take the mail server.",
            Fact(name="other running nodes", value="none", machine=picture.name),
        )
    if len(picture.nodes) == 1:
        return not_needed(f"{picture.name} has one node: it goes fully offline during the install, quorum and all.")
    model = picture.quorum
    if isinstance(model, Unknown):
        return unknown(f"The quorum model of {picture.name} is not known: {model.why}.", "cluster.exe /quorum")
    rest = [one for one in picture.nodes if not same_name(one, node) and picture.running(one)]
    facts = (
        Fact(name="quorum", value=str(model), machine=picture.name),
        Fact(name="other running nodes", value=", ".join(rest) or "none", machine=picture.name),
    )
    if not rest and (hidden := unseen(picture, node)):
        return unknown(
            f"Whether {hidden} is running could not be read, so what remains without {node} is not known.",
            "Look at: cluster.exe node",
            *facts,
        )
    if not rest:
        return blocks(
            f"Without {node} no node of {picture.name} runs: the whole cluster goes down.",
            "Bring another node up first.",
            *facts,
        )
    if model is QuorumModel.LOCAL:
        return blocks(
            f"{picture.name} has a local quorum but {len(picture.nodes)} nodes; that cannot be right.",
            "Check the quorum with: cluster.exe /quorum",
            *facts,
        )
    witness = _mns_share(case, picture, rest) if model is QuorumModel.MNS_SHARE else picture.witness_ok
    if model in _DISK_DECIDES:
        return _with_witness(picture, node, witness, facts, "the quorum disk alone decides")
    votes = len(picture.nodes) + (1 if model in _WITNESS_VOTES else 0)
    majority = votes // 2 + 1
    if len(rest) >= majority:
        return passes(
            f"Without {node}, {len(rest)} of {votes} votes of {picture.name} remain; {majority} are enough.", *facts
        )
    if model in _WITNESS_VOTES and len(rest) + 1 >= majority:
        return _with_witness(
            picture, node, witness, facts, f"{len(rest)} of {votes} votes and the witness's; {majority} are needed",
        )  # fmt: skip
    return blocks(
        f"Without {node} only {len(rest)} of {votes} votes of {picture.name} remain; {majority} are needed. "
        "The cluster would stop.",
        "Bring another node or the witness back first.",
        *facts,
    )


def _mns_share(case: Case, picture: Picture, rest: list[str]) -> bool | Unknown:
    """Whether the share of a majority node set answers. Windows 2003 has no resource for it: the node set itself
    stays Online without it and only an event is logged (kb 921181), so only Test-ReplicationHealth on a node that
    stays can tell (§9, Quorum). Exchange without a service pack has no such test: then nobody can tell."""
    if picture.witness_ok is not True:
        return picture.witness_ok
    why: Unknown = Unknown("no node that stays could be asked")
    seen = False
    for name in rest:
        health = case.said(name, lambda one: one.health)
        if isinstance(health, Unknown):
            why = Unknown(f"Test-ReplicationHealth on {name}: {health.why}")
            continue
        if health is None:
            why = Unknown(
                f"Exchange on {name} has no Test-ReplicationHealth, which came with Service Pack 1, and a majority node "
                "set stays Online without its share"
            )
            continue
        bad = [item for item in health if item.result.casefold() != "passed"]
        if any("sharequorum" in item.check.casefold() for item in bad):
            return False
        asked = any("sharequorum" in item.check.casefold() for item in health)
        seen = seen or asked or (bool(health) and not bad)
        why = why if asked else Unknown(f"Test-ReplicationHealth on {name} says nothing of the share")
    return True if seen else why


def unseen(picture: Picture, leaving: str) -> str:
    """The other nodes whose state no view tells, or on which the views differ: not known is not gone."""
    return ", ".join(
        one for one in picture.nodes if not same_name(one, leaving) and picture.status(one) is NodeStatus.UNKNOWN
    )


def _with_witness(
    picture: Picture,
    node: str,
    witness: bool | Unknown,
    facts: tuple[Fact, ...],
    how: str,
) -> Finding:
    name = picture.witness or "the witness"
    if isinstance(witness, Unknown):
        return unknown(
            f"Without {node}, {picture.name} hangs on {name}, and its state is not known: {witness.why}.",
            _LOOK_2003 if picture.quorum is QuorumModel.MNS_SHARE else "Look at the quorum resource: cluster.exe res",
            *facts,
        )
    facts = (*facts, Fact(name="witness", value="up" if witness else "not available", machine=picture.name))
    if not witness:
        return blocks(
            f"Without {node}, {picture.name} hangs on {name}, which is not available. The cluster would stop.",
            f"Bring {name} back (the share and its host), then recheck.",
            *facts,
        )
    return passes(f"Without {node}, {picture.name} stays up: {how}. One more loss would stop it.", *facts)


RULES = (
    Rule(
        id="QUORUM-SURVIVES",
        says="The votes left without the node keep the cluster formed, by its own quorum model.",
        source="S8: the Cluster service on the node will be stopped and restarted; facts/exchange.md §9, Quorum",
        sentences=("S8", "S9"),
        plan=True,
        gate=NODE_STEPS,
        needs=(
            "quorum model",
            "node states",
            "the witness's state by the cluster itself, on Windows 2003 by Test-ReplicationHealth on a node that stays",
        ),
        stops="The whole cluster would stop, mail with it.",
        remedy="Bring another node or the witness back first. Windows 2003 with a file share witness and Exchange "
        "without a service pack: nothing that can be read proves the witness, so a service pack comes first.",
        judge=quorum_survives,
    ),
)
