"""Real telemetry: the OTRF captures, read where they are present."""

import os
from collections import Counter
from pathlib import Path

import pytest

from leeway.sources import Rejected, Skipped, open_sources

DATA = Path(os.environ.get("LEEWAY_DATA", Path(__file__).parents[3] / "shared" / "data")) / "otrf" / "events.jsonl.xz"


@pytest.mark.skipif(not DATA.exists(), reason=f"no {DATA}: set LEEWAY_DATA to the folder of public data")
def test_every_row_of_the_captures_is_read_skipped_or_refused() -> None:
    (source,) = open_sources(str(DATA))
    counts, ids = Counter(), set()
    for _, record in source.read():
        if isinstance(record, Rejected | Skipped):
            counts[record.reason] += 1
        else:
            counts[type(record).__name__] += 1
            ids.add(record.id)
    assert source.name == "sysmon"
    assert counts == {
        "ProcessStarted": 2_234,
        "ProcessEnded": 1_945,
        "ConnectionOpened": 6_825,
        "NameResolved": 539,
        "ModuleLoaded": 48_254,
        "FileTouched": 3_722,
        "no zone: neither UtcTime nor a zoned @timestamp or TimeCreated": 23,
        "not used: Security 5158": 4_772,
        "not used: Sysmon 18": 2_636,
        "not used: Sysmon 2": 356,
        "not used: Sysmon 17": 250,
        "not used: Sysmon 8": 177,
        "not used: Sysmon 25": 1,
        "not used: Sysmon 19": 1,
        "not used: Sysmon 20": 1,
        "not used: Sysmon 21": 1,
    }
    assert counts.total() == 71_737
    assert len(ids) == 60_493
