"""Which late events of a bootstrapped stretch are learnt without being judged."""

from datetime import UTC, datetime, timedelta

import pytest

from leeway.modes.ingest import Trust

UNTIL = datetime(2026, 3, 9, tzinfo=UTC)
DAY = timedelta(hours=24)
INSTANT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("time", "arrives", "trusted"),
    [
        pytest.param(UNTIL - DAY, UNTIL - DAY, True, id="on time"),
        pytest.param(UNTIL - INSTANT, UNTIL + timedelta(hours=23), True, id="late"),
        pytest.param(UNTIL - DAY, UNTIL, True, id="as late as allowed"),
        pytest.param(UNTIL - DAY, UNTIL + INSTANT, False, id="later"),
        pytest.param(UNTIL - timedelta(days=3), UNTIL + timedelta(days=30), False, id="back-dated"),
        pytest.param(UNTIL, UNTIL, False, id="behind the stretch"),
    ],
)
def test_a_bootstrapped_stretch_is_trusted_within_the_lateness(
    time: datetime, arrives: datetime, *, trusted: bool
) -> None:
    assert Trust(UNTIL, DAY).covers(time, arrives) is trusted


def test_without_a_bootstrap_nothing_is_trusted() -> None:
    assert not Trust(None, DAY).covers(UNTIL, UNTIL)
