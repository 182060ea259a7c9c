"""What the simulated installers know of Exchange 2007's builds: service pack, rollup, KB (Microsoft's build table).

The lab's own copy on purpose: it must not learn the levels from the procedure it is there to test.
"""

from __future__ import annotations

BUILDS: dict[str, tuple[str, str, str]] = {
    "8.0.685.25": ("RTM", "0", ""),
    "8.0.708.3": ("RTM", "1", "930809"),
    "8.0.711.2": ("RTM", "2", "935490"),
    "8.0.730.1": ("RTM", "3", "935999"),
    "8.0.744.0": ("RTM", "4", "940006"),
    "8.0.754.0": ("RTM", "5", "941421"),
    "8.0.783.2": ("RTM", "6", "942846"),
    "8.0.813.0": ("RTM", "7", "953469"),
    "8.1.240.6": ("SP1", "0", ""),
    "8.1.263.1": ("SP1", "1", "945684"),
    "8.1.278.2": ("SP1", "2", "948016"),
    "8.1.291.2": ("SP1", "3", "949870"),
    "8.1.311.3": ("SP1", "4", "952580"),
    "8.1.336.1": ("SP1", "5", "953467"),
    "8.1.340.1": ("SP1", "6", "959241"),
    "8.1.359.2": ("SP1", "7", "960384"),
    "8.1.375.2": ("SP1", "8", "968012"),
    "8.1.393.1": ("SP1", "9", "970162"),
    "8.1.436.0": ("SP1", "10", "981407"),
    "8.2.176.2": ("SP2", "0", ""),
    "8.2.217.3": ("SP2", "1", "971534"),
    "8.2.234.1": ("SP2", "2", "972076"),
    "8.2.247.2": ("SP2", "3", "979784"),
    "8.2.254.0": ("SP2", "4", "981383"),
    "8.2.305.3": ("SP2", "5", "2407132"),
    "8.3.83.6": ("SP3", "0", ""),
    "8.3.106.2": ("SP3", "1", "2279665"),
    "8.3.137.3": ("SP3", "2", "2407025"),
    "8.3.159.0": ("SP3", "3", ""),
    "8.3.159.2": ("SP3", "3-v2", "2530488"),
    "8.3.192.1": ("SP3", "4", "2509911"),
    "8.3.213.1": ("SP3", "5", "2602324"),
    "8.3.245.2": ("SP3", "6", "2608656"),
    "8.3.264.0": ("SP3", "7", "2655203"),
    "8.3.279.3": ("SP3", "8", "2734323"),
    "8.3.279.5": ("SP3", "8-v2", "2756497"),
    "8.3.279.6": ("SP3", "8-v3", "2756497"),
    "8.3.297.2": ("SP3", "9", "2746157"),
    "8.3.298.3": ("SP3", "10", "2788321"),
    "8.3.327.1": ("SP3", "11", "2873746"),
    "8.3.342.4": ("SP3", "12", "2903911"),
    "8.3.348.2": ("SP3", "13", "2917522"),
    "8.3.379.2": ("SP3", "14", "2936861"),
    "8.3.389.2": ("SP3", "15", "2996150"),
    "8.3.406.0": ("SP3", "16", "3030086"),
    "8.3.417.1": ("SP3", "17", "3056710"),
    "8.3.445.0": ("SP3", "18", "3078672"),
    "8.3.459.0": ("SP3", "19", "3141352"),
    "8.3.468.0": ("SP3", "20", "3151086"),
    "8.3.485.1": ("SP3", "21", "3184711"),
    "8.3.502.0": ("SP3", "22", "3184712"),
    "8.3.517.0": ("SP3", "23", "4011325"),
}
BASES = {"RTM": "8.0.685.25", "SP1": "8.1.240.6", "SP2": "8.2.176.2", "SP3": "8.3.83.6"}


def number(build: str) -> tuple[int, ...]:
    """A build as integers, so that 8.3.83.6 is below 8.3.106.2."""
    return tuple(int(part) for part in build.split("."))


def base_of(build: str) -> str:
    """The service pack's build a build belongs to, by its second number."""
    return next(base for base in BASES.values() if number(base)[:2] == number(build)[:2])


def is_rtm(build: str) -> bool:
    """Before Service Pack 1: no SCR, no -ValidateOnly, no Test-ReplicationHealth."""
    return number(build)[:2] == (8, 0)


def long_form(build: str) -> str:
    """A build as ExSetup.exe's version resource shows it: 8.03.0517.000."""
    a, b, c, d = number(build)
    return f"{a}.{b:02}.{c:04}.{d:03}"


def title(build: str, kb: str = "") -> str:
    """The DisplayName under the Installer's Patches key."""
    pack, rollup, known = BUILDS.get(build, ("SP" + build.split(".")[1], "0", ""))
    kb = kb.removeprefix("KB") or known
    where = "" if pack == "RTM" else f" Service Pack {pack[-1]}"
    return f"Update Rollup {rollup} for Exchange Server 2007{where} (KB{kb}) {build}"
