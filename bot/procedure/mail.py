"""Whether a clustered mailbox server's mail is up by the cluster's own word: its resources and nothing else. Pure.

A database is a cluster resource of its own in Exchange 2007: offline means dismounted.
"""

from __future__ import annotations

from bot.procedure.facts import ResourceFacts, Unknown

DATABASE = "Microsoft Exchange Database Instance"
ONLINE, _STILL = 2, (3, 4)  # offline, failed; anything else is on its way or not known


def mail_of(resources: tuple[ResourceFacts, ...], cms: str) -> tuple[str, ...] | Unknown | None:
    """None while mail is up; else what is dismounted ("SG1\\MBX1"), () for the server itself; Unknown if it cannot be told."""
    label = f" ({cms})".casefold()
    mine = [one for one in resources if one.name.casefold().endswith(label)]
    if not mine:
        return Unknown(f"no resource of {cms} is in the cluster")
    if moving := [one.name for one in mine if one.state != ONLINE and one.state not in _STILL]:
        return Unknown(f"{moving[0]} is on its way")
    down = [one for one in mine if one.state != ONLINE]
    if not down:
        return None
    if any(one.type != DATABASE for one in down):
        return ()
    return tuple(one.name[: -len(label)].replace("/", "\\", 1) for one in down)
