"""Short pasts of real metric streams (NAB): what the detector flags outside the labelled windows, and within.

    python benchmarks/streams.py --data DIR --json OUT

Each stream is an agent whose every sample is an event with the value as its `resource_count`. It is trained on the
first 15 % (NAB's own probation), most often two to four days, and judged on all the rest, one event at a time. Outside
the windows nothing is wrong, or nobody said so: what is flagged there is what an operator would be called for in the
weeks after a start. Streams with values below zero are left out, for an amount has none.
"""

import argparse
import csv
import io
import json
import lzma
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from leeway.library.detector import AnomalyDetector
from leeway.library.results import AnomalyResult, State
from leeway.library.threat_level import ThreatLevel
from record import ROOT, Result, write_record

PROBATION = 0.15
AGENT = "stream"
DATA = Path(os.environ.get("LEEWAY_DATA") or ROOT.parent / "shared" / "data") / "nab"


class Stream(NamedTuple):
    """One stream and the windows in which something is wrong."""

    name: str
    events: list[dict[str, Any]]
    windows: list[tuple[datetime, datetime]]


class Told(NamedTuple):
    """What was said of one stream."""

    name: str
    outside: list[AnomalyResult]
    windows: list[list[AnomalyResult]]


def streams(file: Path) -> Iterator[Stream]:
    """Yield the streams of the file."""
    with lzma.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            held = json.loads(line)
            rows = csv.DictReader(io.StringIO(held["csv"]))
            events = [
                {"timestamp": _time(row["timestamp"]), "event_type": "sample", "resource_count": float(row["value"])}
                for row in rows
            ]
            yield Stream(held["file"], events, [(_time(start), _time(end)) for start, end in held["windows"]])


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def told(stream: Stream) -> Told | None:
    """Return what the detector says of a stream after its probation, None where it can say nothing."""
    if min(event["resource_count"] for event in stream.events) < 0:
        return None
    known = int(PROBATION * len(stream.events))
    detector = AnomalyDetector()
    detector.train(AGENT, stream.events[:known])
    if detector.state(AGENT) is not State.JUDGED:
        return None
    found = [detector.detect(AGENT, event) for event in stream.events[known:]]
    within = [
        [one for one in found if one.timestamp and start <= one.timestamp <= end] for start, end in stream.windows
    ]
    taken = {one.timestamp for window in within for one in window}
    return Told(stream.name, [one for one in found if one.timestamp not in taken], within)


def share(found: Sequence[AnomalyResult], least: ThreatLevel) -> float:
    """Return the share of events, in percent, of a level or above."""
    return 100 * sum(one.is_anomaly and one.threat_level >= least for one in found) / max(1, len(found))


def results_of(found: Sequence[Told]) -> list[Result]:
    """Return the figures over all streams, then of each."""
    outside = [one for stream in found for one in stream.outside]
    windows = [window for stream in found for window in stream.windows if window]
    flagged = [share(stream.outside, ThreatLevel.LOW) for stream in found]
    results = [
        Result("streams judged", len(found), "streams"),
        Result("outside the windows, flagged at 0.05: the median stream", median(flagged), "%"),
        Result("outside the windows, flagged at 0.05: the worst stream", max(flagged), "%"),
        Result("outside the windows, MEDIUM or above", share(outside, ThreatLevel.MEDIUM), "%"),
        Result("outside the windows, HIGH or above", share(outside, ThreatLevel.HIGH), "%"),
        Result("labelled windows", len(windows), "windows"),
    ]
    for least in (ThreatLevel.MEDIUM, ThreatLevel.HIGH):
        hit = sum(share(window, least) > 0 for window in windows)
        results.append(Result(f"windows with an event of {least.name} or above", hit, "windows"))
    each = zip(found, flagged, strict=True)
    return [*results, *(Result(f"{stream.name}, flagged outside", one, "%") for stream, one in each)]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print and write the results; return 0 where there is no data."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of series.jsonl.xz")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the results")
    arguments = parser.parse_args(words)
    file = arguments.data / "series.jsonl.xz"
    if not file.is_file():
        print(f"skipped streams: no series.jsonl.xz in {arguments.data}; set LEEWAY_DATA")
        return 0
    found = [one for stream in streams(file) if (one := told(stream)) is not None]
    write_record(
        arguments.json,
        benchmark="streams",
        goal="C4",
        argv=words,
        parameters={"probation": PROBATION, "contamination": 0.05},
        results=results_of(found),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
