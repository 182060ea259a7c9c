"""Writes replies as the scripts would, so that a test can say which line it changes."""

from __future__ import annotations

import base64

from bot.estate.reply import ticks

NOW = 1_773_518_400.0  # 2026-03-14T20:00:00Z
BOOT = NOW - 86_400.0

Rows = list[tuple[str, ...]]

CLUSTER: Rows = [
    ("cluster", "CLUSTER01", "Majority"),
    ("cluster.node", "EXN1", "0"),
    ("cluster.node", "EXN2", "0"),
    ("cluster.group", "Cluster Group", "0", "0"),
    ("cluster.group", "Available Storage", "1", "0"),
    ("cluster.group", "CMS1", "0", "0"),
    ("cluster.resource", "Cluster Name", "Network Name", "2", "True", "", ""),
    ("cluster.resource", "Witness", "File Share Witness", "2", "True", "\\\\HUB1\\FSW", ""),
    ("cluster.resource", "IS (CMS1)", "Microsoft Exchange Information Store", "2", "False", "", ""),
    ("cluster.links", "MSCluster_NodeToActiveGroup", '\\\\EXN1\\root\\MSCluster:MSCluster_Node.Name="EXN2"',
     'MSCluster_ResourceGroup.Name="Cluster Group"'),
    ("cluster.links", "MSCluster_NodeToActiveGroup", 'MSCluster_Node.Name="EXN2"',
     'MSCluster_ResourceGroup.Name="Available Storage"'),
    ("cluster.links", "MSCluster_NodeToActiveGroup", 'MSCluster_Node.Name="EXN1"', 'MSCluster_ResourceGroup.Name="CMS1"'),
    ("cluster.links", "MSCluster_ResourceGroupToResource", 'MSCluster_ResourceGroup.Name="Cluster Group"',
     'MSCluster_Resource.Name="Cluster Name"'),
    ("cluster.links", "MSCluster_ResourceGroupToResource", 'MSCluster_ResourceGroup.Name="Cluster Group"',
     'MSCluster_Resource.Name="Witness"'),
    ("cluster.links", "MSCluster_ResourceGroupToResource", 'MSCluster_ResourceGroup.Name="CMS1"',
     'MSCluster_Resource.Name="IS (CMS1)"'),
    ("cluster.links", "MSCluster_ResourceToPossibleOwner", 'MSCluster_Resource.Name="Cluster Name"',
     'MSCluster_Node.Name="EXN1"'),
    ("cluster.links", "MSCluster_ResourceToPossibleOwner", 'MSCluster_Resource.Name="Cluster Name"',
     'MSCluster_Node.Name="EXN2"'),
    ("cluster.links", "MSCluster_ResourceToPossibleOwner", 'MSCluster_Resource.Name="Witness"', 'MSCluster_Node.Name="EXN1"'),
    ("cluster.links", "MSCluster_ResourceToPossibleOwner", 'MSCluster_Resource.Name="Witness"', 'MSCluster_Node.Name="EXN2"'),
    ("cluster.links", "MSCluster_ResourceToPossibleOwner", 'MSCluster_Resource.Name="IS (CMS1)"',
     'MSCluster_Node.Name="EXN1"'),
    ("cluster.links", "MSCluster_ClusterToQuorumResource", 'MSCluster_Cluster.Name="CLUSTER01"',
     'MSCluster_Resource.Name="Witness"'),
]  # fmt: skip

EXCHANGE: Rows = [
    ("cms", "CMS1", "NonShared"),
    ("cms.redundant", "CMS1", "exn1.lab.example"),
    ("cms.redundant", "CMS1", "EXN2"),
    ("cms.state", "CMS1", "Partially Online"),
    ("cms.operational", "CMS1", "EXN1 <Active>"),
    ("cms.operational", "CMS1", "EXN2 <Quorum Owner>"),
    ("cms.version", "CMS1", "Version 8.3 (Build 83.6)"),
    ("database", "CMS1", "SG1", "MBX1", "True", "False", str(ticks(NOW - 36_000))),
    ("database", "CMS1", "SG2", "MBX2", "", "", ""),
    ("group", "CMS1", "SG1"),
    ("group", "CMS1", "SG2"),
    ("standby", "CMS1", "SG1", "scr1.lab.example", "86400"),
    ("copy", "CMS1", "SG1", "", "Healthy", "0", "2"),
    ("copy", "CMS1", "SG1", "scr1.lab.example", "Healthy", "1", ""),
]


def line(*row: str) -> str:
    """One row as a script writes it."""
    return "\t".join([row[0], *(base64.b64encode(field.encode()).decode() for field in row[1:])])


def text(rows: Rows, *, sections: dict[str, str] | None = None, end: bool = True) -> str:
    """A whole reply; `sections` maps a section to "" (answered) or why it failed."""
    every: Rows = [("clock", str(ticks(NOW))), *rows]
    every += [("section", name, "failed" if why else "ok", why) for name, why in (sections or {}).items()]
    every += [("clock", str(ticks(NOW + 2)))] if end else []
    lines = ["[rollup-begin]", *(line(*row) for row in every)]
    lines += [f"[rollup-end] {len(every)}"] if end else ["half a li"]
    return "\r\n".join(lines) + ("\r\n" if end else "")
