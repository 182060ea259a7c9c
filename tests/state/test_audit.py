"""Evidence: any byte of a transcript that is changed, added or cut is found; signatures bind what people agreed to."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from state.audit import _READ, canonical, event_line, is_ours, key_file, read_line, read_transcript, sign, typed
from state.errors import KeyFileRefused, TranscriptRefused
from state.store import Store
from state.words import Fact, Gate, GateStatus, Intent, NothingToDo, Progress, Waiver
from tests.state.samples import Walk, command, gate, intent, plan, requested

KEY = b"k" * 32


def small(store: Store) -> bytes:
    walk = Walk(store)
    walk.do(Progress(step="", sentence="grüße"))
    walk.do(NothingToDo(sentence="at level"))
    return store.export(walk.campaign.id)


def test_a_transcript_reads_back_and_is_what_the_design_says(store: Store) -> None:
    raw = small(store)
    header, events, footer = read_transcript(raw)
    assert (header.campaign, header.package, header.bot) == ("CLUSTER01-1", "KB4011325", "rollup-bot 0.1.0")
    assert events == store.events("CLUSTER01-1")
    assert (footer.events, footer.head) == (3, events[-1].hash)
    lines = raw.decode().splitlines()
    # By hand, from the words of the format alone.
    prev = hashlib.sha256(lines[0].encode()).hexdigest()
    for version, line in enumerate(lines[1:-1], start=1):
        body = json.loads(line)
        said = body.pop("hash")
        assert (body["v"], body["prev"]) == (version, prev)
        text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert said == hashlib.sha256((prev + text).encode()).hexdigest()
        prev = said
    assert json.loads(lines[-1]) == {"events": 3, "head": prev}


def test_a_transcript_with_any_one_byte_changed_is_refused(store: Store) -> None:
    raw = small(store)
    for at in range(len(raw)):
        for other in {raw[at] ^ 1, raw[at] ^ 0x20, 0x0A, 0x20, 0x30} - {raw[at]}:
            with pytest.raises(TranscriptRefused):
                read_transcript(raw[:at] + bytes([other]) + raw[at + 1 :])


def test_a_transcript_with_any_one_byte_cut_or_put_in_is_refused(store: Store) -> None:
    raw = small(store)
    for at in range(len(raw) + 1):
        if at < len(raw):
            with pytest.raises(TranscriptRefused):
                read_transcript(raw[:at] + raw[at + 1 :])
            with pytest.raises(TranscriptRefused):
                read_transcript(raw[:at])
        for extra in (b" ", b"\n", b"0", b"}"):
            with pytest.raises(TranscriptRefused):
                read_transcript(raw[:at] + extra + raw[at:])


@pytest.mark.parametrize("drop", [0, 1, 2, 3, 4])
def test_a_transcript_with_a_whole_line_missing_doubled_or_swapped_is_refused(store: Store, drop: int) -> None:
    lines = small(store).splitlines(keepends=True)
    with pytest.raises(TranscriptRefused):
        read_transcript(b"".join(lines[:drop] + lines[drop + 1 :]))
    with pytest.raises(TranscriptRefused):
        read_transcript(b"".join([*lines[: drop + 1], *lines[drop:]]))
    other = (drop + 1) % len(lines)
    lines[drop], lines[other] = lines[other], lines[drop]
    with pytest.raises(TranscriptRefused):
        read_transcript(b"".join(lines))


def test_a_transcript_cut_short_with_a_forged_footer_is_told_from_the_whole_by_its_head(store: Store) -> None:
    raw = small(store)
    lines = raw.splitlines()
    shorter = json.loads(lines[-3])["hash"]
    forged = b"\n".join([*lines[:-2], canonical({"events": 2, "head": shorter})]) + b"\n"
    read_transcript(forged)
    head = json.loads(lines[-1])["head"]
    with pytest.raises(TranscriptRefused, match="expected"):
        read_transcript(forged, head=head)
    read_transcript(raw, head=head)


@pytest.mark.parametrize("raw", [b"", b"\n", b"{}\n{}\n{}\n", b"\xff\xfe\n\n\n", b"[]\n[]\n[]\n"])
def test_what_is_no_transcript_is_refused_and_not_crashed_on(raw: bytes) -> None:
    with pytest.raises(TranscriptRefused):
        read_transcript(raw)


def test_a_line_with_the_same_meaning_but_other_bytes_is_refused() -> None:
    line = event_line(Progress(step="s01", sentence="ü"), version=2, at=1.0, prev="p")
    read_line(line, version=2, prev="p")
    body = json.loads(line)
    for same in (
        json.dumps(body),
        json.dumps(body, sort_keys=True, separators=(",", ":")),
        json.dumps(dict(reversed(body.items())), separators=(",", ":"), ensure_ascii=False),
        line.decode() + " ",
    ):
        with pytest.raises(ValueError, match="not canonical"):
            read_line(same.encode(), version=2, prev="p")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"step": "s01"}, "missing required field"),
        ({"step": 1, "sentence": "x"}, "Expected `str`"),
        ({"step": "s01", "sentence": "x", "extra": 1}, r"unknown field \$.extra"),
    ],
)
def test_data_that_does_not_fit_its_event_is_refused_even_with_a_good_hash(data: Any, why: str) -> None:
    body = {"v": 2, "at": 1.0, "type": "progress", "data": data, "prev": "p"}
    signed = canonical(body | {"hash": hashlib.sha256(b"p" + canonical(body)).hexdigest()})
    with pytest.raises(ValueError, match=why):
        read_line(signed, version=2, prev="p")


def test_unknown_fields_are_found_at_any_depth() -> None:
    with pytest.raises(ValueError, match=r"\$.by.shoe"):
        typed(type(requested()), {**_plain(requested()), "by": {"user": "U", "person": "p", "shoe": 1}})


def _plain(event: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(event_line(event, version=1, at=1.0, prev="p"))["data"]
    return body


def test_an_event_that_no_json_can_hold_is_refused_before_it_is_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        event_line(Progress(step="s", sentence="x"), version=1, at=float("nan"), prev="p")


def test_text_that_utf8_cannot_hold_is_stored_as_it_reads_back(store: Store) -> None:
    walk = Walk(store)
    walk.do(Progress(step="", sentence="half \ud83d a pair"))
    assert store.replay(walk.campaign.id) == walk.campaign
    assert isinstance(event := store.events(walk.campaign.id)[-1].event, Progress)
    assert event.sentence == "half � a pair"


# --- signatures


def a_gate() -> Gate:
    from tests.state.test_guards import ready

    return gate(ready(), command(), notes=("if you say no, nothing happens",))


def test_a_signed_gate_stays_ours_through_its_life_and_no_longer_after_any_other_change() -> None:
    signed = sign(a_gate(), KEY)
    assert is_ours(signed, KEY)
    assert is_ours(replace(signed, status=GateStatus.OPENED, channel="C1", ts="1.2", posted_hash="x"), KEY)
    changes: dict[str, Any] = {
        "id": "x",
        "campaign": "x",
        "step": "x",
        "attempt": 9,
        "target": "x",
        "kind": "x",
        "title": "x",
        "digest": "x",
        "commands": (command("format c:"),),
        "checks": (plan(),),
        "approvers": (),
        "barred": (),
        "quorum": 0,
        "forecast": replace(signed.forecast, step_s=1.0),
        "opened_at": 0.0,
        "expires_at": 9e9,
        "notes": (),
        "waiver": Waiver(rule="DISK", step="s01", reason="x", by="x", approved_by=()),
    }
    covered = {field.name for field in fields(Gate)} - {"status", "channel", "ts", "posted_hash", "mac"}
    assert set(changes) == covered
    for name, value in changes.items():
        assert not is_ours(replace(signed, **{name: value}), KEY), name


def test_a_signed_intent_is_ours_only_unchanged_and_only_with_our_key() -> None:
    from tests.state.test_guards import opened

    signed = sign(intent(opened()), KEY)
    assert is_ours(signed, KEY)
    assert not is_ours(signed, b"x" * 32)
    assert not is_ours(replace(signed, mac=""), KEY)
    assert {field.name for field in fields(Intent)} > {"token", "fence", "digest"}
    for change in ({"token": "x"}, {"fence": 9}, {"digest": "x"}, {"version": 99}, {"approved_by": ("x",)}):
        assert not is_ours(replace(signed, **change), KEY)
    with pytest.raises(ValueError, match="too short"):
        sign(signed, b"short")


def test_the_key_file_is_made_once_with_mode_0600_and_read_back_the_same(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "key"
    key = key_file(path)
    assert key_file(path) == key == key_file(path, make=False)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["key"]
    assert sign(a_gate(), key).mac


def test_a_key_file_that_others_may_read_or_that_is_too_short_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFileRefused):
        key_file(tmp_path / "absent", make=False)
    path = tmp_path / "key"
    key_file(path)
    path.chmod(0o640)
    with pytest.raises(KeyFileRefused, match="others"):
        key_file(path)
    path.chmod(0o600)
    path.write_text("short\n")
    with pytest.raises(KeyFileRefused, match="shorter"):
        key_file(path)


def test_canonical_json_is_sorted_compact_and_utf8() -> None:
    assert canonical({"b": [1, 2.0], "a": "ü"}) == '{"a":"ü","b":[1,2.0]}'.encode()
    assert typed(Fact, {"name": "n", "value": "v"}) == Fact(name="n", value="v")


def test_a_line_is_known_again_by_its_bytes_and_its_place_only() -> None:
    line = event_line(Progress(step="", sentence="lunch"), version=2, at=1.0, prev="p")
    first = read_line(line, version=2, prev="p")
    assert read_line(line, version=2, prev="p") is first
    for other in ({"version": 3, "prev": "p"}, {"version": 2, "prev": "q"}):
        with pytest.raises(ValueError, match=r"belongs|follow"):
            read_line(line, **other)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="hash"):
        read_line(line.replace(b"lunch", b"brunch"), version=2, prev="p")


def test_only_so_many_lines_are_known_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("state.audit._READ_LINES", 3)
    for version in range(2, 9):
        read_line(
            event_line(Progress(step="", sentence="on its way"), version=version, at=1.0, prev="p"),
            version=version,
            prev="p",
        )
    assert [version for _line, version, _prev in _READ] == [6, 7, 8]
