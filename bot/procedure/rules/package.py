"""Rules about the package: S5 of the document."""

from __future__ import annotations

import re

from bot.procedure.facts import Unknown
from bot.procedure.levels import applied, hints, is_rollup, row_of
from bot.procedure.rules.case import (
    FIX_BUILD,
    NO_BUILD,
    Case,
    Finding,
    Rule,
    blocks,
    passes,
    together,
    unknown,
    warns,
)
from state.words import Fact, StepKind

_FILE = re.compile(r"^Exchange2007-KB(\d{6,7})(-v\d+)?-(x64|x86)-([a-z]{2})\.msp$", re.IGNORECASE)
_KB = re.compile(r"(\d{6,7})")
_INSTALL = frozenset({StepKind.INSTALL})


def pkg_name(case: Case) -> Finding:
    """S5: the file is what its name and declaration say, for x64, and its build is a known one."""
    package = case.package
    file = package.path.replace("/", "\\").rsplit("\\", 1)[-1]
    facts = (Fact(name="file", value=file), Fact(name="build", value=package.build))
    build = case.target_build
    if isinstance(build, Unknown):
        return blocks(NO_BUILD, FIX_BUILD, *facts)
    row = row_of(build)
    if row is None or row.rollup == "0":
        return blocks(
            f"Build {build} is no update rollup of Exchange Server 2007 that the catalogue knows.", FIX_BUILD, *facts
        )
    named = _FILE.match(file)
    if named is None:
        return blocks(
            f"{file} is not named like a rollup (Exchange2007-KB<number>-x64-<language>.msp).",
            "Use the file as downloaded from the Microsoft Download Center, under its own name.",
            *facts,
        )
    if named[3].casefold() != "x64":
        return blocks(f"{file} is the 32-bit package; production servers are x64.", "Download the x64 package.", *facts)
    declared = _KB.search(package.kb)
    if declared is None or declared[1] != named[1]:
        return blocks(
            f"The package is declared as {package.kb}, its file says KB{named[1]}.",
            "Correct the declaration or the path in rollup.toml.",
            *facts,
        )
    known = hints(f"KB{named[1]}")
    if not known and row.kb:
        return blocks(
            f"KB{named[1]} is no number of a rollup that the catalogue knows; build {build} is {row.title} ({row.kb}). "
            "An interim update is named like a rollup, too.",
            FIX_BUILD,
            *facts,
        )
    if not known:
        return warns(f"The catalogue knows no KB number of {row.title}.", "Compare it on the download page.", *facts)
    if build not in {one.build for one in known}:
        said = ", ".join(f"{one.title} ({one.build})" for one in known)
        if any(one.kb_sourced for one in known):
            return blocks(f"KB{named[1]} is {said}, not build {build}.", FIX_BUILD, *facts)
        return warns(
            f"KB{named[1]} is remembered as {said}, not as build {build}; that memory is unverified.",
            "Compare the build on the download page.",
            *facts,
        )
    return passes(f"{file} is {row.title}, build {build}, for x64.", *facts)


def pkg_hash(case: Case) -> Finding:
    """S5: the file on this very machine is the approved one, bit for bit."""
    found = []
    wanted = case.package.sha256.casefold()
    for name in case.subjects:
        there = case.said(name, lambda one: one.package)
        if isinstance(there, Unknown):
            found.append(unknown(f"The package on {name} could not be read: {there.why}.", "Recheck."))
            continue
        for what in (there.present, there.sha256):
            if isinstance(what, Unknown):
                found.append(unknown(f"The package on {name} could not be read: {what.why}.", "Recheck."))
                break
        else:
            sha = str(there.sha256)
            fact = Fact(name="SHA-256", value=sha[:16] or "absent", machine=name)
            if not there.present:
                found.append(
                    blocks(
                        f"{case.package.path} is not on {name}.",
                        f"Copy the package to {case.package.path} on {name} and recheck.",
                        fact,
                    )
                )
            elif sha.casefold() != wanted:
                found.append(
                    blocks(
                        f"{case.package.path} on {name} is not the approved file: "
                        f"its SHA-256 begins {sha[:12]}, approved is {wanted[:12]}.",
                        "Copy the approved file again. If nobody changed it, find out who did before going on.",
                        fact,
                    )
                )
            else:
                found.append(_signature(name, there.signature, fact))
    return together(found, f"The package on {', '.join(case.subjects) or 'the machines'} has the approved SHA-256.")


def _signature(name: str, signature: str | Unknown, fact: Fact) -> Finding:
    """A signature that cannot be verified is told, not fatal: the approved hash decides (§9)."""
    if isinstance(signature, Unknown) or not signature:
        why = signature.why if isinstance(signature, Unknown) else "it was not read"
        return warns(
            f"The signature of the package on {name} was not verified ({why}); its SHA-256 is the approved one.",
            "",
            fact,
        )
    if signature.casefold() != "valid":
        return warns(
            f"The signature of the package on {name} is {signature}; its SHA-256 is the approved one.",
            "Windows 2003 cannot verify SHA-2 signatures; anywhere else ask why.",
            fact,
        )
    return passes("", fact, Fact(name="signature", value=signature, machine=name))


def pkg_train(case: Case) -> Finding:
    """S5: rollups are made for one service pack."""
    build = case.target_build
    if isinstance(build, Unknown):
        return unknown(NO_BUILD, FIX_BUILD)
    found = []
    for name in case.everyone:
        level = case.level(name)
        if isinstance(level, Unknown):
            found.append(unknown(f"The service pack of {name} is not known: {level.why}.", "Recheck."))
            continue
        fact = Fact(name="service pack", value=level.service_pack, machine=name)
        if level.service_pack != build.service_pack:
            found.append(
                blocks(
                    f"The package is for {build.service_pack}, but {name} runs {level.service_pack} ({level}).",
                    f"Use the newest rollup for {level.service_pack}, or install the service pack first.",
                    fact,
                )
            )
        else:
            found.append(passes("", fact))
    return together(found, f"The package and every machine are {build.service_pack}.")


def pkg_newer(case: Case) -> Finding:
    """S5: the package is newer than what is there; equal is done, lower is refused."""
    build = case.target_build
    if isinstance(build, Unknown):
        return unknown(NO_BUILD, FIX_BUILD)
    found, done = [], []
    for name in case.everyone:
        level = case.level(name)
        if isinstance(level, Unknown):
            found.append(unknown(f"Whether the package is newer than {name} is not known: {level.why}.", "Recheck."))
            continue
        fact = Fact(name="level", value=str(level), machine=name)
        if level > build and (case.in_main(name) or case.step is not None):
            found.append(
                blocks(
                    f"{name} is at {level} already, newer than the package ({build}).",
                    f"Use the package of build {level}, so that all nodes end on one level.",
                    fact,
                )
            )
        else:
            if level >= build:
                done.append(name)
            found.append(passes("", fact))
    if done and case.step is not None:
        return together(found, f"{', '.join(done)} is at {build} already: nothing is installed again.")
    done_already = f" Done already: {', '.join(done)}." if done else ""
    return together(found, f"{build} is newer than every machine that gets it.{done_already}")


def pkg_live(case: Case) -> Finding:
    """S5: a withdrawn package is not installed."""
    build = case.target_build
    row = None if isinstance(build, Unknown) else row_of(build)
    if row is None:
        return unknown("The package's build is not in the catalogue, so nobody can say if it was withdrawn.", FIX_BUILD)
    fact = Fact(name="build", value=str(build))
    if row.superseded_by is not None:
        return blocks(
            f"Build {build} was withdrawn: {row.superseded_why}.",
            f"Use build {row.superseded_by} instead.",
            fact,
            waivable=True,
        )
    return passes(f"{row.title} was not withdrawn.", fact)


def iu_none(case: Case) -> Finding:
    """S5: an interim update must be removed first; setup refuses otherwise."""
    found = []
    for name in case.subjects:
        patches = case.said(name, lambda one: one.level if isinstance(one.level, Unknown) else one.level.patches)
        if isinstance(patches, Unknown):
            found.append(unknown(f"The patches on {name} could not be read: {patches.why}.", "Recheck."))
            continue
        interim = [patch.name for patch in applied(patches) if not is_rollup(patch)]
        fact = Fact(name="interim updates", value=", ".join(interim) or "none", machine=name)
        if interim:
            found.append(
                blocks(
                    f"{name} has an interim update: {', '.join(interim)}. Rollup setup refuses to run.",
                    "Remove it in Add/Remove Programs on that node while it is passive and empty, then plan again. "
                    "Earlier rollups stay.",
                    fact,
                )
            )
        else:
            found.append(passes("", fact))
    return together(found, "No interim updates are in the way.")


RULES = (
    Rule(
        id="PKG-NAME",
        says="The file is named like a rollup, for x64, and name, declared KB and build belong together.",
        source="S5: update rollups can be downloaded from the Microsoft Download Center",
        sentences=("S5",),
        plan=True,
        needs=("the declaration in rollup.toml", "the catalogue"),
        verdict="block; warn where the KB number is remembered otherwise, from no source",
        stops="It is not certain what would be installed.",
        remedy="Correct the declaration; use the file under its own name.",
        judge=pkg_name,
    ),
    Rule(
        id="PKG-TRAIN",
        says="The package and the machine are of the same service pack.",
        source="S5; facts/exchange.md §4: rollup trains per service pack are independent",
        sentences=("S5",),
        plan=True,
        gate=_INSTALL,
        needs=("the level of each machine", "the package's build"),
        stops="msiexec would end with 1642.",
        remedy="Use the newest rollup for the service pack that is installed.",
        judge=pkg_train,
    ),
    Rule(
        id="PKG-NEWER",
        says="The package is newer than what is installed; an equal level is done, a newer one is refused.",
        source="S5; facts/exchange.md §8",
        sentences=("S5",),
        plan=True,
        gate=_INSTALL,
        needs=("the level of each machine", "the package's build"),
        stops="An older package over a newer level leaves the cluster on two levels.",
        remedy="Use the package of the newest level found.",
        judge=pkg_newer,
    ),
    Rule(
        id="PKG-LIVE",
        says="The package was not withdrawn.",
        source="S5; ms12-058: 3, 8 and 8-v2 for SP3 were withdrawn and released again",
        sentences=("S5",),
        plan=True,
        gate=_INSTALL,
        needs=("the catalogue",),
        stops="Microsoft told everyone who had it to install the new package.",
        remedy="Use the re-released build.",
        waivable="with a reason",
        judge=pkg_live,
    ),
    Rule(
        id="IU-NONE",
        says="No interim update is installed.",
        source="S5; kb 935490: interim updates must be removed first",
        sentences=("S5",),
        plan=True,
        gate=_INSTALL,
        needs=("the Installer's patches",),
        stops="Setup refuses to run.",
        remedy="Remove the interim update on the passive, empty node; earlier rollups stay.",
        judge=iu_none,
    ),
    Rule(
        id="PKG-HASH",
        says="The file on the machine itself has the approved SHA-256.",
        source="S5; facts/exchange.md §8 and §9",
        sentences=("S5",),
        plan=True,
        gate=_INSTALL,
        needs=("presence, SHA-256 and signature of the file on each machine",),
        verdict="block; warn where only the signature could not be verified",
        stops="Something else than the approved package would run as SYSTEM. "
        "A signature that cannot be verified is a warning: the hash decides.",
        remedy="Copy the approved file to the declared path again.",
        judge=pkg_hash,
    ),
)
