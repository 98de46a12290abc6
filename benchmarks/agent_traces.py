"""Agent traces: score recorded runs of AI agents by what the same agents do in benign runs of other tasks.

    python benchmarks/agent_traces.py --train BENIGN.jsonl[.xz] --score RUNS.jsonl[.xz] --out SCORES.jsonl

A row is one run: `run_id` (its line number where absent), `pipeline_name`, `suite_name`, `user_task_id`, `fold` (a hash
of suite and task modulo 5 where any row has none), `messages`. Nothing else of a row is read: no labels, no duration;
and of the messages only what the user asked and which tools were called with which arguments. An agent is a pipeline in
a suite, its cohort all pipelines of that suite. For each fold the detector is trained on the benign rows of the others;
each run is scored by itself. Rows whose user task is an `injection_task` are not trained on.

Written, one line for each run: `{"run_id", "score", "level", "reasons"}`.
"""

import argparse
import json
import lzma
import sys
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from leeway.library.calls import SessionResult
from leeway.library.detector import AnomalyDetector
from leeway.library.security_event import SecurityEvent, read_event

FOLDS = 5
KEPT_APART = "injection_task"
"""How the name of a task begins that is the attacker's own, asked by the user."""

Row = dict[str, Any]


class Trace(NamedTuple):
    """One run as it is judged."""

    run_id: object
    agent: str
    suite: str
    task: str
    fold: int
    events: list[SecurityEvent]


def read_rows(file: Path) -> list[Row]:
    """Return the rows of a file of JSON lines, compressed or not, each with its `run_id`."""
    with lzma.open(file, "rt", encoding="utf-8") if file.suffix == ".xz" else file.open(encoding="utf-8") as lines:
        rows = [(number, json.loads(line)) for number, line in enumerate(lines, start=1) if line.strip()]
    return [{"run_id": number, **row} for number, row in rows]


def traces_of(rows: Iterable[Row], *, by_hash: bool) -> list[Trace]:
    """Return rows as traces, in their order."""
    return [_trace(row, place, by_hash=by_hash) for place, row in enumerate(rows)]


def has_folds(rows: Iterable[Row]) -> bool:
    """Say whether every row names its fold."""
    return all(type(row.get("fold")) is int for row in rows)


def _trace(row: Row, place: int, *, by_hash: bool) -> Trace:
    suite, task, pipeline = (str(row.get(name)) for name in ("suite_name", "user_task_id", "pipeline_name"))
    fold = zlib.crc32(f"{suite}/{task}".encode()) % FOLDS if by_hash else int(row["fold"])
    events = list(events_of(row.get("messages") or (), session=str(place)))
    return Trace(row["run_id"], f"{pipeline}/{suite}", suite, task, fold, events)


def events_of(messages: Sequence[Mapping[str, Any]], *, session: str) -> Iterator[SecurityEvent]:
    """Yield what a run asked for, and its tool calls. What tools answered and what the model wrote is never read."""
    asked: list[str] = []
    place = 0
    for message in messages:
        if message.get("role") == "user":
            asked.append(_text(message.get("content")))
            yield _event("request", None, None, asked, session, place)
            place += 1
        for call in (message.get("tool_calls") or ()) if message.get("role") == "assistant" else ():
            tool, arguments = _call(call)
            yield _event("tool_call", tool, arguments, asked, session, place)
            place += 1


def _event(
    kind: str, tool: str | None, arguments: object, asked: Sequence[str], session: str, place: int
) -> SecurityEvent:
    told: dict[str, object] = {"event_type": kind, "sequence": place, "session_id": session}
    return read_event({**told, "tool": tool, "arguments": arguments, "request": "\n".join(asked)})


def _text(content: object) -> str:
    """Return a text, or the texts of a list of parts."""
    if isinstance(content, list):
        return "\n".join(_text(part.get("text") or part.get("content")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _call(call: Mapping[str, Any]) -> tuple[str, object]:
    """Return tool and arguments in any of the usual forms: flat, or as a function with its arguments as JSON."""
    named = call.get("function") or call.get("name")
    if isinstance(named, Mapping):
        return _call(named)
    arguments: object = next((call[name] for name in ("args", "arguments") if call.get(name) is not None), {})
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            arguments = {"arguments": arguments}
    return str(named), arguments if isinstance(arguments, Mapping) else {"arguments": arguments}


def scores_of(train: Sequence[Trace], runs: Sequence[Trace]) -> list[SessionResult]:
    """Return the result of each run, in their order, each from the benign runs of the other folds."""
    found: dict[int, SessionResult] = {}
    for fold in sorted({run.fold for run in runs}):
        detector = _trained([one for one in train if one.fold != fold and not one.task.startswith(KEPT_APART)])
        for at, run in enumerate(runs):
            if run.fold == fold:
                found[at] = detector.detect_session(run.agent, run.events, cohort=run.suite)
    return [found[at] for at in range(len(runs))]


def _trained(train: Sequence[Trace]) -> AnomalyDetector:
    by_agent: defaultdict[tuple[str, str], list[SecurityEvent]] = defaultdict(list)
    for trace in train:
        by_agent[trace.agent, trace.suite] += trace.events
    detector = AnomalyDetector()
    for (agent, suite), events in sorted(by_agent.items(), key=lambda item: item[0]):
        detector.train(agent, events, cohort=suite)
    return detector


def main(argv: Sequence[str] | None = None) -> int:
    """Score the runs of a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True, help="benign runs")
    parser.add_argument("--score", type=Path, required=True, help="runs to score")
    parser.add_argument("--out", type=Path, required=True, help="scores, JSON lines")
    options = parser.parse_args(argv)
    benign, scored = read_rows(options.train), read_rows(options.score)
    by_hash = not (has_folds(benign) and has_folds(scored))
    runs = traces_of(scored, by_hash=by_hash)
    results = scores_of(traces_of(benign, by_hash=by_hash), runs)
    with options.out.open("w", encoding="utf-8") as out:
        for run, result in zip(runs, results, strict=True):
            reasons = [{"aspect": one.aspect, "seen": one.seen, "expected": one.expected} for one in result.reasons]
            row = {"run_id": run.run_id, "score": result.score, "level": str(result.threat_level), "reasons": reasons}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    print(f"scored {len(runs):,} runs from {len(benign):,} benign ones")
    return 0


if __name__ == "__main__":
    sys.exit(main())
