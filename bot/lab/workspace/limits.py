"""How often each Web API method may be called, counted in lab time.

Tiers from docs.slack.dev/apis/web-api/rate-limits (2: 20, 3: 50, 4: 100 calls a minute and method);
chat.postMessage has its own: one a second and channel with short bursts, and a cap for the workspace.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

TIER_2, TIER_3, TIER_4 = 20.0, 50.0, 100.0  # calls a minute
POST_BURST, POST_PER_SECOND = 10.0, 1.0
WORKSPACE_BURST, WORKSPACE_PER_SECOND = 60.0, 5.0


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Limits:
    """Token buckets in lab seconds, one for each method, or method and channel."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, ...], _Bucket] = {}
        self.refused = 0

    def wait(self, method: str, tier: float, channel: str, now: float) -> int:
        """Lab seconds to wait before this call would be served: 0 when it is served now (and counted)."""
        if method == "chat.postMessage":
            wanted = [
                ((method, channel), POST_BURST, POST_PER_SECOND),
                ((method,), WORKSPACE_BURST, WORKSPACE_PER_SECOND),
            ]
        else:
            wanted = [((method,), tier, tier / 60)]
        buckets = [(self._at(key, size, rate, now), rate) for key, size, rate in wanted]
        short = max((1 - bucket.left) / rate for bucket, rate in buckets)
        if short > 0:
            self.refused += 1
            return max(1, math.ceil(short))
        for bucket, _rate in buckets:
            bucket.left -= 1
        return 0

    def _at(self, key: tuple[str, ...], size: float, rate: float, now: float) -> _Bucket:
        bucket = self._buckets.setdefault(key, _Bucket(size, now))
        bucket.left = min(size, bucket.left + max(0.0, now - bucket.at) * rate)
        bucket.at = now
        return bucket
