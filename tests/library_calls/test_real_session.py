"""A real coding session: 152 tool calls of one agent in 97 minutes, the first hundred learnt."""

import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from leeway import AnomalyDetector, ThreatLevel

LEARNT = 100
BEFORE = 10


def calls(transcript: Path) -> Iterator[dict[str, Any]]:
    """Yield the calls of a transcript as events, each with what the user asked for last."""
    request = None
    with lzma.open(transcript, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            said = (row.get("message") or {}).get("content")
            blocks = said if isinstance(said, list) else [{"type": "text", "text": said}]
            for block in blocks:
                if row.get("type") == "user" and block["type"] == "text":
                    request = block["text"]
                elif block["type"] == "tool_use":
                    yield {
                        "timestamp": row["timestamp"],
                        "event_type": "tool_call",
                        "tool": block["name"],
                        "arguments": block["input"],
                        "request": request,
                        "session_id": row["sessionId"],
                    }


def test_the_rest_of_a_session_is_mostly_ordinary(data_dir: Path) -> None:
    every = list(calls(data_dir / "claude_code" / "session_transcript.jsonl.xz"))
    assert len(every) == 152
    detector = AnomalyDetector()
    detector.train("coder", every[:LEARNT])
    found = [detector.detect("coder", every[at], recent=every[at - BEFORE : at]) for at in range(LEARNT, len(every))]
    flagged = [one for one in found if one.is_anomaly]
    assert len(flagged) <= 8
    assert max(one.threat_level for one in found) <= ThreatLevel.LOW
    assert all(one.contributing_factors for one in flagged)
    odd = detector.detect("coder", {**every[120], "tool": "SendMail"}, recent=every[110:120])
    assert odd.is_anomaly
    assert "SendMail" in odd.explanation
