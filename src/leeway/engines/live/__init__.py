"""The live path: a day judged while its events arrive, in micro-batches or one by one; equal to the reference."""

from leeway.engines.live.day import LiveDay

__all__ = ["LiveDay"]
