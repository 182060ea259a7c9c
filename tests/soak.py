"""The long runs: `make soak`, or `make soak PART=kills|scenarios|storms|scripts|late`. Exits 1 if anything went wrong, and says what.

kills      SIGKILL at every single transition of a ccr campaign, before and after, then at pairs drawn at random
scenarios  every rule of the procedure is taken out, made to pass always, made waivable against the document, and its tests
           must notice; then every scenario, those with risk gates too, at a third of the speed of the tests, judged by
           the truth log and by `verify`, and at full speed those made of docs/scenarios.md alone (tests/scenarios/varied)
storms     scenario files drawn at random, judged by what no campaign may ever do
scripts    every word of the scripts is spoiled once (tests/peers/mutants.py)
late       the tests with every thread and callback late at random (tests/late): first those that play no campaign, by up
           to LATE_S; then campaigns, in which a wall second is ten lab minutes, by a twentieth of that
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

from bot.lab.scenario import load, names
from bot.procedure.rules import RULES
from tests import blind
from tests.crash.killing import not_approved, play_and_kill, records, too_many
from tests.storms import judged

SIDE_BY_SIDE = 2  # plays at once
PAIRS = 120
STORMS = 60
SPEED = 80.0
FAST = 600.0
LATE_S = 0.8
ROOT = Path(__file__).parents[1]
BOT = (sys.executable, "-m", "bot.cli")


def say(words: str) -> None:
    """One line, at once."""
    print(words, flush=True)


def kills(seed: int = 0) -> int:
    """How many plays with deaths went wrong."""
    calls = play_and_kill("ccr", {}).transitions
    say(f"a campaign without a death has {calls} transitions; seed {seed}")
    plans: list[dict[int, str]] = [{number: way} for number in range(1, calls + 1) for way in ("before", "after")]
    draw = random.Random(seed)
    for _ in range(PAIRS):
        first, second = sorted(draw.sample(range(1, calls + 2), 2))
        plans.append({first: draw.choice(("before", "after")), second: draw.choice(("before", "after"))})
    with ProcessPoolExecutor(SIDE_BY_SIDE) as pool:
        return _count(zip(plans, pool.map(_killed, plans), strict=True))


def _killed(plan: dict[int, str]) -> list[str]:
    end = play_and_kill("ccr", plan)
    return [*end.wrong(), *(() if end.killed else ("nobody was killed",))]


def scenarios() -> int:
    """How many scenarios went wrong."""
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return _count(zip(names(), pool.map(_played, names()), strict=True))


def waived() -> int:
    """How many of the plays with risk gates went wrong."""
    files = sorted(str(path) for path in (ROOT / "tests/scenarios/risk").glob("*.toml"))
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return _count(zip(files, pool.map(_played, files), strict=True))


def varied() -> int:
    """How many of the scenarios that people made of docs/scenarios.md alone went wrong; at the speed of the tests."""
    files = sorted(str(path) for path in (ROOT / "tests/scenarios/varied").glob("*.toml"))
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return _count(zip(files, pool.map(lambda name: _played(name, FAST), files), strict=True))


def _played(name: str, speed: float = SPEED) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        truth, transcript = Path(folder, "t"), Path(folder, "c")
        ran = subprocess.run(
            (*BOT, "lab", "--play", "--scenario", name, "--speed", str(speed), "--truth", truth, "--transcript", transcript),
            cwd=ROOT, capture_output=True, text=True, timeout=1800, check=False,
        )  # fmt: skip
        expected = load(name).expect.exit
        wrong = (
            [] if ran.returncode == expected else [f"exit {ran.returncode}, expected {expected}: {ran.stderr[-400:]}"]
        )
        lines = records(truth)
        wrong += too_many(lines) + not_approved(lines)
        if transcript.exists():
            verified = subprocess.run(
                (*BOT, "verify", transcript), cwd=ROOT, capture_output=True, text=True, check=False
            )
            wrong += [] if verified.returncode == 0 else [f"verify: {verified.stderr.strip()}"]
        return wrong


def rules() -> int:
    """How many rules may be missing, always content, or waived against the document, and no test of the procedure notices."""

    def unnoticed(spoiled: tuple[str, str]) -> list[str]:
        rule, how = spoiled
        ran = subprocess.run(
            (
                sys.executable, "-m", "pytest", "-q", "-x", "-p", "tests.blind", "-p", "no:cacheprovider",
                "tests/procedure/test_rules.py", "tests/procedure",
            ),
            cwd=ROOT, env=os.environ | {"BLIND_RULE": rule, "BLIND_HOW": how, "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return {0: ["no test misses it"], 1: []}.get(ran.returncode, [f"pytest ended with {ran.returncode}"])

    every = [(rule.id, how) for rule in RULES for how in blind.WAYS if how != "waivable" or not rule.waivable]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return _count(zip((" ".join(one) for one in every), pool.map(unnoticed, every), strict=True))


def storms() -> int:
    """How many campaigns nobody thought of went wrong."""
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        seeds = [random.randrange(10**6) for _ in range(STORMS)]
        return _count(zip(seeds, (wrong for _end, wrong in pool.map(judged, seeds)), strict=True))


def scripts() -> int:
    """1 if a spoiled word of a script goes unnoticed."""
    from tests.peers import mutants

    return mutants.main()


def late() -> int:
    """How many runs of the tests did not stand it that threads and callbacks are late."""
    plays = ("tests/crash", "tests/scenarios")
    quick = ("-m", "not scenario", *(f"--ignore={one}" for one in plays), "--ignore=tests/procedure", "tests")

    def run(tests: Sequence[str], most_s: float) -> list[str]:
        ran = subprocess.run(
            (sys.executable, "-m", "pytest", "-q", "-n", "4", "-p", "no:cacheprovider", "--hypothesis-profile=drawn", *tests),
            cwd=ROOT, env=os.environ | {"LATE_S": str(most_s), "PYTHONPATH": str(ROOT / "tests/late")},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return [] if ran.returncode == 0 else [ran.stdout[-4000:]]

    return _count((" ".join(tests), run(tests, most_s)) for tests, most_s in ((quick, LATE_S), (plays, LATE_S / 20)))


def _count(found: Iterable[tuple[object, list[str]]]) -> int:
    bad = 0
    for what, wrong in found:
        bad += bool(wrong)
        say(f"{'WRONG' if wrong else 'ok   '} {what}" + "".join(f"\n      {why}" for why in wrong))
    return bad


PARTS: dict[str, tuple[Callable[[], int], ...]] = {
    "kills": (kills,),
    "scenarios": (rules, scenarios, varied, waived),
    "storms": (storms,),
    "scripts": (scripts,),
    "late": (late,),
}


def main(wanted: Sequence[str]) -> int:
    """Run the named parts, or all."""
    unknown = [part for part in wanted if part not in PARTS]
    if unknown:
        say(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
        return 2
    bad = 0
    for part in wanted or tuple(PARTS):
        for run in PARTS[part]:
            began = time.monotonic()
            wrong = run()
            bad += wrong
            say(f"{part}/{run.__name__}: {wrong} wrong, {(time.monotonic() - began) / 60:.1f} minutes")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
