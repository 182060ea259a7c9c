"""Quorum arithmetic for every model an Exchange 2007 cluster can have (facts/exchange.md §9, Quorum)."""

from __future__ import annotations

from dataclasses import dataclass

# Models in which one shared disk (or one node) alone decides.
ONE_VOTE = {"local", "disk-2003", "disk-only"}
# Models in which a share or disk has a vote beside the nodes.
WITNESSED = {"mns-share", "node-and-share", "node-and-disk"}

# MSCluster_Cluster.QuorumTypeValue on Windows 2008, and what cluster.exe /quorum and the GUI call it.
TITLES = {
    "local": "Local Quorum",
    "disk-2003": "Quorum disk",
    "mns": "Majority Node Set",
    "mns-share": "Majority Node Set",
    "node-majority": "Node Majority",
    "node-and-disk": "Node and Disk Majority",
    "node-and-share": "Node and File Share Majority",
    "disk-only": "No Majority: Disk Only",
}


@dataclass(frozen=True)
class Count:
    """Votes of a cluster at one moment."""

    votes: int
    needed: int

    @property
    def holds(self) -> bool:
        """Whether the cluster may run."""
        return self.votes >= self.needed

    @property
    def margin(self) -> int:
        """How many votes may still be lost; negative = quorum is gone."""
        return self.votes - self.needed


def count(model: str, nodes: int, up: int, *, witness_ok: bool) -> Count:
    """Votes present and needed with `up` of `nodes` running."""
    if model == "local":
        return Count(int(up > 0), 1)
    if model in ONE_VOTE:
        return Count(int(up > 0 and witness_ok), 1)
    if model in WITNESSED:
        # The witness votes only through a node that holds it.
        return Count(up + int(witness_ok and up > 0), (nodes + 1) // 2 + 1)
    return Count(up, nodes // 2 + 1)
