"""Events as flat rows and back."""

import pytest
from hypothesis import given

from leeway.errors import InvalidEventError
from leeway.events import COLUMNS, AnyEvent, event_id, event_of_row, instant, micros, row_of
from strategies import events


@given(event=events())
def test_a_row_is_its_event(event: AnyEvent) -> None:
    row = row_of(event)
    assert set(row) <= set(COLUMNS)
    assert event_of_row(row) == event
    assert event_id(event_of_row(row)) == event_id(event), "defaults are left out of the canonical record alike"
    assert instant(micros(event.time)) == event.time


@pytest.mark.parametrize(
    ("row", "told"),
    [
        pytest.param({}, "no event of kind", id="empty"),
        pytest.param({"kind": "process_slept", "time": 0}, "no event of kind", id="no such kind"),
        pytest.param({"kind": "heartbeat", "host": "ws1"}, "not an event", id="without a time"),
        pytest.param({"kind": "heartbeat", "time": 1 << 62, "host": "ws1"}, "not an event", id="beyond the calendar"),
        pytest.param({"kind": "heartbeat", "time": 0}, "neither a host", id="of nobody"),
        pytest.param({"kind": "connection_opened", "time": 0, "host": "ws1"}, "not an event", id="without its port"),
        pytest.param(
            {"kind": "connection_opened", "time": 0, "host": "ws1", "destination": "x", "port": 70_000},
            "<= 65535",
            id="a port beyond the last",
        ),
    ],
)
def test_a_row_that_is_no_event_is_refused(row: dict[str, object], told: str) -> None:
    with pytest.raises(InvalidEventError, match=told):
        event_of_row(row)
