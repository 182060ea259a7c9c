"""Builds and levels: the catalogue of rollups, comparison as integers, and the level of a machine from three sources.

The build decides. A KB number is a name: KB2756497 stands on two packages, and the unverified numbers in the
catalogue were remembered, not read (facts/exchange.md §3 and §4).
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from bot.procedure.facts import LevelFacts, MachineFacts, PatchFacts, Unknown
from state.words import Package

_BUILD = re.compile(r"\d{1,5}(?:\.\d{1,5}){3}")
_KB = re.compile(r"(?:KB)?(\d{6,7})", re.IGNORECASE)
_ROLLUP_NAME = re.compile(r"^update rollup\s+(\d+(?:-v\d+)?)\b", re.IGNORECASE)
_APPLIED = 1  # the Installer's patch state; 2 is superseded, 4 obsoleted

SERVICE_PACKS = ("RTM", "SP1", "SP2", "SP3")


@dataclass(frozen=True, slots=True, order=True)
class Build:
    """A build of Exchange 2007, compared as integers: 8.03.0517.000 is 8.3.517.0, and 9 is before 10."""

    major: int
    minor: int
    build: int
    revision: int

    @classmethod
    def parse(cls, text: str) -> Build:
        """Read a dotted build of four numbers. Raises ValueError."""
        return _parse(text)

    @property
    def service_pack(self) -> str:
        """RTM, SP1, SP2 or SP3: the second number. Raises ValueError for any other product."""
        if self.major != 8 or not 0 <= self.minor < len(SERVICE_PACKS):
            raise ValueError(f"{self} is no build of Exchange Server 2007")
        return SERVICE_PACKS[self.minor]

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.build}.{self.revision}"


@lru_cache(maxsize=512)
def _parse(text: str) -> Build:
    if not _BUILD.fullmatch(text.strip()):
        raise ValueError(f"not a build of four numbers: {text!r}")
    return Build(*(int(part) for part in text.strip().split(".")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollup:
    """One row of the catalogue. Rollup "0" is the bare service pack."""

    service_pack: str
    rollup: str
    build: Build
    released: str
    kb: str
    kb_sourced: bool
    superseded_by: Build | None = None
    superseded_why: str = ""
    also: tuple[Build, ...] = ()  # builds that files of the same rollup carry

    @property
    def title(self) -> str:
        """How Microsoft calls it."""
        pack = "" if self.service_pack == "RTM" else f" {self.service_pack}"
        if self.rollup == "0":
            return f"Exchange Server 2007{pack or ' RTM'} without a rollup"
        return f"Update Rollup {self.rollup} for Exchange Server 2007{pack}"


@cache
def catalogue() -> tuple[Rollup, ...]:
    """Every known level, oldest first. Source: facts/rollups.csv; ms12-058 for withdrawn packages; facts/exchange.md §3
    for builds that mean the same."""
    here = files(__package__)
    gone = {
        Build.parse(row["build"]): (Build.parse(row["superseded_by"]), row["why"])
        for row in csv.DictReader((here / "rereleases.csv").read_text(encoding="utf-8").splitlines())
    }
    also: dict[Build, list[Build]] = {}
    for row in csv.DictReader((here / "equivalents.csv").read_text(encoding="utf-8").splitlines()):
        also.setdefault(Build.parse(row["build"]), []).append(Build.parse(row["also"]))
    rows = []
    for row in csv.DictReader((here / "rollups.csv").read_text(encoding="utf-8").splitlines()):
        build = Build.parse(row["build"])
        by, why = gone.get(build, (None, ""))
        rows.append(
            Rollup(
                service_pack=row["service_pack"],
                rollup=row["rollup"],
                build=build,
                released=row["released"],
                kb=f"KB{row['kb']}" if row["kb"] else "",
                kb_sourced=row["kb_is"] == "sourced",
                superseded_by=by,
                superseded_why=why,
                also=tuple(also.get(build, ())),
            )
        )
    return tuple(sorted(rows, key=lambda one: one.build))


@cache
def _by_build() -> dict[Build, Rollup]:
    return {row.build: row for row in catalogue()}


@cache
def _equivalents() -> dict[Build, Build]:
    return {other: row.build for row in catalogue() for other in row.also}


def listed_as(build: Build) -> Build:
    """The catalogue's build of the same rollup: some of its files carry a number of their own (facts/exchange.md §3)."""
    return _equivalents().get(build, build)


def row_of(build: Build) -> Rollup | None:
    """The catalogue's row of a build, or None."""
    return _by_build().get(build)


def hints(kb: str) -> tuple[Rollup, ...]:
    """Catalogue rows a KB number may mean; for texts only, never for a decision."""
    found = _KB.fullmatch(kb.strip())
    return tuple(row for row in catalogue() if found and row.kb == f"KB{found[1]}")


def find(typed: str, declared: tuple[Package, ...]) -> tuple[Package, ...]:
    """The declared packages that a typed KB number or build means: none, one, or several to choose from.

    Only declared packages are ever answered. A KB is compared with the name in the declaration; a build is
    compared as integers. Nothing typed means every declared package.
    """
    typed = typed.strip()
    if not typed:
        return declared
    if _BUILD.fullmatch(typed):
        wanted = Build.parse(typed)
        return tuple(p for p in declared if _BUILD.fullmatch(p.build.strip()) and Build.parse(p.build) == wanted)
    exact = tuple(p for p in declared if p.kb.casefold() == typed.casefold())
    if exact:
        return exact
    kb = _KB.fullmatch(typed)
    return tuple(p for p in declared if kb and (own := _KB.match(p.kb.strip())) and own[1] == kb[1])


def try_build(text: str) -> Build | Unknown:
    """A build read from a machine, as the catalogue lists it, or why it is none."""
    try:
        return listed_as(Build.parse(text))
    except ValueError as error:
        return Unknown(str(error))


def is_rollup(patch: PatchFacts) -> bool:
    """Whether an Installer patch calls itself an update rollup; the others are interim updates."""
    return _ROLLUP_NAME.match(patch.name.strip()) is not None


def applied(patches: tuple[PatchFacts, ...]) -> tuple[PatchFacts, ...]:
    """The patches the Installer counts as applied; superseded and obsoleted ones stay listed for ever."""
    return tuple(patch for patch in patches if patch.state == _APPLIED)


def patch_build(patch: PatchFacts, base: Build) -> Build | Unknown:
    """The build a rollup's name stands for: its last number, else the rollup's number within the service pack."""
    numbers: list[str] = _BUILD.findall(patch.name)
    if numbers:
        return listed_as(Build.parse(numbers[-1]))
    named = _ROLLUP_NAME.match(patch.name.strip())
    for row in catalogue():
        if named and row.service_pack == base.service_pack and row.rollup == named[1].casefold():
            return row.build
    return Unknown(f"the patch {patch.name!r} is not in the catalogue")


@lru_cache(maxsize=512)  # the same few levels are asked for by every rule
def level_of(level: LevelFacts | Unknown) -> Build | Unknown:
    """A machine's level where ExSetup, the highest applied patch and the base product agree; else why not.

    No applied rollup means the bare service pack. Source: facts/exchange.md §3, rule LEVEL-AGREE.
    """
    if isinstance(level, Unknown):
        return level
    if isinstance(level.exsetup, Unknown):
        return Unknown(f"the version of ExSetup.exe could not be read: {level.exsetup.why}")
    if isinstance(level.base, Unknown):
        return Unknown(f"the Installer's base version could not be read: {level.base.why}")
    if isinstance(level.patches, Unknown):
        return Unknown(f"the Installer's list of patches could not be read: {level.patches.why}")
    exsetup, base = try_build(level.exsetup), try_build(level.base)
    if isinstance(exsetup, Unknown):
        return Unknown(f"the version of ExSetup.exe is {exsetup.why}")
    if isinstance(base, Unknown):
        return Unknown(f"the Installer's base version is {base.why}")
    highest = highest_patch(level.patches, base)
    if isinstance(highest, Unknown):
        return highest
    try:
        packs = {exsetup.service_pack, base.service_pack, highest.service_pack}
    except ValueError as error:
        return Unknown(str(error))
    if len(packs) > 1 or exsetup != highest:
        return Unknown(
            f"its sources disagree: ExSetup.exe says {exsetup}, the highest applied patch {highest}, the product {base}"
        )
    if row_of(exsetup) is None:
        return Unknown(f"build {exsetup} is not in the catalogue of rollups")
    return exsetup


def highest_patch(patches: tuple[PatchFacts, ...], base: Build) -> Build | Unknown:
    """The highest applied rollup, or the base product where there is none."""
    builds = [base]
    try:
        for patch in applied(patches):
            if is_rollup(patch):
                build = patch_build(patch, base)
                if isinstance(build, Unknown):
                    return build
                builds.append(build)
    except ValueError as error:
        return Unknown(str(error))
    return max(builds)


def machine_level(machine: MachineFacts | None, name: str = "") -> Build | Unknown:
    """The level of one machine's facts; a machine nobody read, or that did not answer, is Unknown."""
    if machine is None:
        return Unknown(f"{name or 'the machine'} was not read")
    if not machine.reached:
        return Unknown(f"{machine.name} did not answer: {machine.why_not or 'no reason given'}")
    return level_of(machine.level)


def updated(level: Build | Unknown, target: Build) -> bool | Unknown:
    """Whether a level counts as updated: same service pack and at least the target (DESIGN §8).

    Another service pack is Unknown, not False: its rollups are another train (facts/exchange.md §8, ambiguity 9).
    """
    if isinstance(level, Unknown):
        return level
    if (level.major, level.minor) != (target.major, target.minor):
        return Unknown(f"{level} and {target} are of different service packs")
    return level >= target


def lower_of(level: LevelFacts | Unknown) -> Build | Unknown:
    """The lower of the sources: what a waiver of LEVEL-AGREE lets us believe, so that too much is patched."""
    named = _named(level)
    return named if isinstance(named, Unknown) else min(named)


def upper_of(level: LevelFacts | Unknown) -> Build | Unknown:
    """The higher of the sources: whichever of them is right, the machine is not above it."""
    named = _named(level)
    return named if isinstance(named, Unknown) else max(named)


def _named(level: LevelFacts | Unknown) -> tuple[Build, Build] | Unknown:
    """What ExSetup.exe and the patches name; Unknown unless all is read, in the catalogue and of one service pack."""
    if isinstance(level, Unknown):
        return level
    read = [try_build(one) for one in (level.exsetup, level.base) if not isinstance(one, Unknown)]
    builds = [one for one in read if not isinstance(one, Unknown)]
    if len(builds) < 2 or isinstance(level.patches, Unknown):
        return Unknown("at least one source of the level could not be read at all")
    patched = highest_patch(level.patches, builds[1])
    if isinstance(patched, Unknown):
        return patched
    if row_of(builds[0]) is None or row_of(patched) is None:
        return Unknown("one of the levels is not in the catalogue of rollups")
    if len({(one.major, one.minor) for one in (*builds, patched)}) > 1:
        return Unknown("the sources name different service packs")
    return builds[0], patched
