"""What people are shown beside the record: the newest wins, and what cannot be read counts as nothing."""

from __future__ import annotations

import redis

from state.keys import Keys
from state.store import Store
from state.words import JobLine, MailSeen, Seen


def test_the_newest_reading_and_line_are_kept_apart_from_the_record(store: Store, store_client: redis.Redis) -> None:
    assert (store.showing.get("C-1").seen, store.showing.get("C-1").line) == (None, None)
    seen = Seen(at=2.0, mail=(MailSeen(cms="CMS1", up=None, said="denied"),), nodes=(("EXN1", "Up"),))
    store.showing.reading("C-1", Seen(at=1.0))
    store.showing.reading("C-1", seen)
    line = JobLine(job="j", line="x", at=3.0, age_s=None)
    store.showing.line("C-1", line)
    assert (store.showing.get("C-1").seen, store.showing.get("C-1").line) == (seen, line)
    store_client.hset(Keys().shown("C-1"), "seen", '{"at": "late"}')
    assert store.showing.get("C-1").seen is None
    assert store.showing.get("C-1").line == line
