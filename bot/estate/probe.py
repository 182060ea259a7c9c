"""Where the answers of the machines become facts: the one place that believes what a probe wrote.

Strict: what a script cannot have written, or what nobody knows the meaning of, is Unknown with its reason,
never a default. Cluster and Exchange parts are read by cluster_view.py and exchange_view.py, job folders by
folder.py; all of them only ever see rows.
"""

from __future__ import annotations

import hashlib
import re

from bot.estate import cluster_view, exchange_view, folder
from bot.estate.reply import Malformed, Reply, expect, number, part, seconds
from bot.procedure.facts import CustomScript, LevelFacts, MachineFacts, PackageFacts, PatchFacts, ServiceFacts, Unknown
from state.words import JobFolder, JobReport

_VERSION = re.compile(r"0*(\d+)\.0*(\d+)\.0*(\d+)\.0*(\d+)")
_REPARSE_POINT = 0x400
_TRUSTED = {"SY", "BA", "CO", "S-1-5-18", "S-1-5-32-544", "S-1-3-0"}  # SYSTEM, Administrators, "whoever creates"
_ACE = re.compile(r"\(([^;()]*);[^;()]*;[^;()]*;[^;()]*;[^;()]*;([^;()]+)[^()]*\)")


def machine_facts(name: str, reply: Reply, *, read_at: float, skew_s: float | Unknown) -> MachineFacts:
    """Everything one probe of one machine answered. Never raises for a bad field."""
    root_ok, root_why = _root(reply)
    missing = [(section, why) for section, why in reply.sections.items() if why]
    if root_why:
        missing.append(("root", root_why))
    services = part(reply, "services", _services)
    cluster = part(reply, "cluster", cluster_view.view(name))
    if cluster is None:
        missing = [(section, why) for section, why in missing if section != "cluster.exe"]  # there is no such tool
    return MachineFacts(
        name=name,
        reached=True,
        read_at=read_at,
        skew_s=skew_s,
        host=part(reply, "system", lambda r: _one(r, "host")),
        boot_time=part(reply, "system", lambda r: seconds(_one(r, "boot"))),
        os_version=part(reply, "system", lambda r: _short_version(_one(r, "windows"))),
        powershell=part(reply, "system", lambda r: _short_version(_one(r, "powershell"))),
        machine_policy=part(reply, "policy", lambda r: "" if r.first("policy") is None else _one(r, "policy")),
        job_root_ok=root_ok,
        runner_ok=part(reply, "runner", lambda r: r.first("runner") is not None),
        level=LevelFacts(
            exsetup=part(reply, "exsetup", lambda r: build(_one(r, "exsetup"))),
            patches=part(reply, "patches", _patches),
            base=part(reply, "patches", lambda r: build(_one(r, "base"))),
        ),
        package=Unknown("not read"),
        cluster=cluster,
        cluster_service=services if isinstance(services, Unknown) else _cluster_service(services),
        services=services,
        cms=exchange_view.every_cms(name, reply),
        health=part(reply, "health", exchange_view.health),
        validate=part(reply, "validate", exchange_view.validate(name)),
        mapi=part(reply, "mapi", exchange_view.mapi),
        reboot_pending=part(reply, "reboot", _reboot),
        disk_free_mb=part(reply, "disks", _disks),
        system_drive=part(reply, "disks", lambda r: _drive(_one(r, "system.drive"))),
        jobs=part(reply, "jobs", lambda r: tuple(f.listed(name) for f in folder.folders(r))),
        mailboxes=part(reply, "roles", exchange_view.mailboxes),
        roles=part(reply, "roles", exchange_view.roles),
        own_standbys=part(reply, "standby", exchange_view.standbys(name)),
        custom_actions=part(reply, "software", _custom_actions),
        software=_software(reply, services),
        missing=tuple(missing),
    )


def package_facts(path: str, reply: Reply) -> PackageFacts:
    """The declared package as it lies there."""
    present = part(reply, "package", lambda r: r.first("package.absent") is None)
    if present is False:
        return PackageFacts(path=path, present=False)
    return PackageFacts(
        path=path,
        present=present,
        sha256=part(reply, "package", lambda r: _sha256(_one(r, "package.sha256"))),
        size=part(reply, "package", lambda r: number(_one(r, "package.size"))),
        signature=part(reply, "signature", lambda r: _one(r, "package.signature")),
    )


def silent(name: str, why: str, *, read_at: float) -> MachineFacts:
    """A machine that could not be read: every fact Unknown, for that reason."""
    unknown = Unknown(why)
    return MachineFacts(
        name=name, reached=False, why_not=why, read_at=read_at, skew_s=unknown, host=unknown, boot_time=unknown,
        os_version=unknown, powershell=unknown, machine_policy=unknown, job_root_ok=unknown, runner_ok=unknown,
        level=unknown, package=unknown, cluster=unknown, cluster_service=unknown, services=unknown, cms=unknown,
        health=unknown, validate=unknown, mapi=unknown, reboot_pending=unknown, disk_free_mb=unknown,
        system_drive=unknown, jobs=unknown, mailboxes=unknown, roles=unknown, own_standbys=unknown,
        custom_actions=unknown,
    )  # fmt: skip


def job_report(name: str, node: str, reply: Reply, expected: dict[str, str]) -> JobReport:
    """What stands in a job's folder. `expected` is what we wrote into its job.txt. Raises Malformed."""
    why = reply.why_missing("jobs")
    if why:
        raise Malformed(why)
    found = [f for f in folder.folders(reply) if f.name.casefold() == name.casefold()]
    return folder.report(name, node, found[0] if found else None, folder.now(reply), expected)


def job_folders(machine: str, reply: Reply) -> tuple[JobFolder, ...]:
    """Every job folder of one machine. Raises Malformed."""
    why = reply.why_missing("jobs")
    if why:
        raise Malformed(why)
    return tuple(found.listed(machine) for found in folder.folders(reply))


def build(text: str) -> str:
    """A build as the catalogue writes it: "08.03.0517.000" is "8.3.517.0". Raises Malformed."""
    match = _VERSION.fullmatch(text.strip())
    if match is None:
        raise Malformed(f"{text[:40]!r} is no build")
    return ".".join(match.groups())


def node_clock(reply: Reply) -> tuple[float, float]:
    """The node's clock at the begin and at the end of the script, Unix seconds. Raises Malformed."""
    clocks = reply.all("clock")
    if not clocks:
        raise Malformed("the script did not say what time it is there")
    return seconds(expect(clocks[0], 1)[0]), seconds(expect(clocks[-1], 1)[0])


def _one(reply: Reply, key: str) -> str:
    fields = reply.first(key)
    if fields is None:
        raise Malformed(f"no line {key}")
    return expect(fields, 1)[0]


def _short_version(text: str) -> str:
    match = re.match(r"(\d+)\.(\d+)", text)
    if match is None:
        raise Malformed(f"{text[:40]!r} is no version")
    return f"{match[1]}.{match[2]}"


def _sha256(text: str) -> str:
    if re.fullmatch(r"[0-9a-f]{64}", text) is None:
        raise Malformed(f"{text[:80]!r} is no SHA-256")
    return text


def _patches(reply: Reply) -> tuple[PatchFacts, ...]:
    rows = [expect(fields, 3) for fields in reply.all("patch")]
    return tuple(PatchFacts(name=name, state=number(state), installed=day) for name, state, day in rows)


def _services(reply: Reply) -> tuple[ServiceFacts, ...]:
    rows = [expect(fields, 3) for fields in reply.all("service")]
    return tuple(ServiceFacts(name=name, state=state, start=start) for name, state, start in rows)


def _cluster_service(services: tuple[ServiceFacts, ...]) -> ServiceFacts | None:
    return next((s for s in services if s.name.casefold() == "clussvc"), None)


def _reboot(reply: Reply) -> tuple[str, ...]:
    reasons = [expect(fields, 2)[0].rsplit("\\", 1)[-1] for fields in reply.all("reboot")]
    return tuple(dict.fromkeys(reasons))


def _disks(reply: Reply) -> tuple[tuple[str, int], ...]:
    rows = [expect(fields, 2) for fields in reply.all("disk")]
    return tuple((drive, number(free) // (1024 * 1024)) for drive, free in rows)


def _drive(text: str) -> str:
    """A drive as Windows names it, "C:". Raises Malformed."""
    if re.fullmatch(r"[A-Za-z]:", text) is None:
        raise Malformed(f"{text[:40]!r} is no drive")
    return text.upper()


def _root(reply: Reply) -> tuple[bool | Unknown, str]:
    """Whether the job root is a real folder that only SYSTEM and Administrators own and may use, and why not."""
    found = part(reply, "root", lambda r: r.first("root"))
    if isinstance(found, Unknown):
        return found, ""
    if found is None:
        return False, "the folder for jobs is not there"
    try:
        attributes, sddl = expect(found, 2)
        if number(attributes) & _REPARSE_POINT:
            return False, "the folder for jobs is a link to somewhere else"
    except Malformed as error:
        return Unknown(f"root: {error}"), ""
    owner = re.match(r"O:([A-Z]{2}|S-[0-9-]+?)(?=[GDS]:|$)", sddl)
    _, mark, rights = sddl.partition("D:")
    if owner is None or not mark or "(" not in rights:
        return False, f"the rights on the folder for jobs cannot be read: {sddl[:80]}"
    if owner[1] not in _TRUSTED:
        return False, f"the folder for jobs is owned by {owner[1]}, not by SYSTEM or Administrators"
    strangers = [who for kind, who in _ACE.findall(rights.partition("S:(")[0]) if kind != "D" and who not in _TRUSTED]
    if strangers:
        return False, f"the folder for jobs is open to {', '.join(strangers)}, not only to SYSTEM and Administrators"
    return True, ""


def _custom_actions(reply: Reply) -> CustomScript | None:
    text = next((expect(f, 2)[1] for f in reply.all("software") if f and f[0] == "custom-actions"), None)
    return None if text is None else CustomScript(sha256=hashlib.sha256(text.encode()).hexdigest(), text=text)


def _software(reply: Reply, services: tuple[ServiceFacts, ...] | Unknown) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for fields in reply.all("software"):
        if len(fields) != 2:
            continue
        name, value = fields
        if name != "custom-actions":
            found.append((name, value))
    if not isinstance(services, Unknown):
        forefront = [s for s in services if s.name.upper().startswith(("FSC", "FSE"))]
        found += [(f"forefront:{s.name}", s.state) for s in forefront]
    return tuple(found)
