"""The store on a real server: one whole campaign, and everything that must be refused on the way."""

from __future__ import annotations

from state.store import Store
from state.words import Finished, State
from tests.state.samples import Walk


def test_a_whole_campaign_goes_from_request_to_done_and_replays_to_its_snapshot(store: Store) -> None:
    walk = Walk(store)
    assert walk.campaign.id == "CLUSTER01-1"
    walk.to_ready()
    assert store.locks() == {"cluster01": walk.campaign.id, "scr1": walk.campaign.id}
    lease = walk.take()
    walk.whole_step(lease)
    walk.whole_step(lease)
    done = walk.do(Finished(sentence="all at level", user_downtime_s=5.0))
    assert done.state is State.DONE
    assert done.user_downtime_s == 5.0
    assert store.locks() == {}
    assert store.replay(done.id) == done
    assert store.active() == []
    assert store.due() == []
