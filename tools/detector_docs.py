"""Write docs/detectors.md from the detectors themselves."""

import inspect
import sys
from pathlib import Path

from leeway import correlation
from leeway.context import upkeep_context
from leeway.correlation import flow_and_module
from leeway.detectors import ALL, Detector
from leeway.findings import ANOMALY_TYPES, CORRELATIONS, HEALTH_TYPES, TAGS
from leeway.health import cardinality, telemetry_gap

PAGE = Path(__file__).resolve().parent.parent / "docs" / "detectors.md"

HEAD = """\
# Detectors

Made from the detectors' docstrings by `make docs`; a test holds it to them.

Each detector asks one question about one agent's day. A severity says how bad it would be if it were true. It is
lowered by one where the agent is not settled and is judged beside its relatives, and where a value was seen before
without being established. Techniques are those the behaviour would belong to if it were hostile; none is claimed.
"""


def page() -> str:
    """Return the page."""
    parts = [HEAD]
    for detector in ALL:
        title = "the ten anomaly types" if detector.name in ANOMALY_TYPES else "registered beyond the ten"
        parts.append(f"\n## {detector.name}\n\n*{_question(detector)}* ({title})\n\n{inspect.getdoc(detector)}\n")
        parts.append(f"\n- Speaks {detector.closes.value}.\n- Reads: {_read(detector)}.\n{_techniques(detector.name)}")
    health = {"cardinality_exceeded": _told(cardinality), "telemetry_gap": _with_doc(telemetry_gap, telemetry_gap.gaps)}
    told = [(CORRELATIONS[0], _told(flow_and_module)), *((name, health[name]) for name in HEALTH_TYPES)]
    parts.append("\n# Beyond one question\n\n" + (inspect.getdoc(correlation) or "") + "\n")
    for name, text in told:
        parts.append(f"\n## {name}\n\n{text}\n\n{_techniques(name)}".rstrip() + "\n")
    parts.append(f"\n# Context\n\n{_with_doc(upkeep_context, upkeep_context.in_context)}\n")
    return "".join(parts)


def _question(detector: Detector) -> str:
    return (inspect.getdoc(inspect.getmodule(type(detector))) or "").partition("\n")[0]


def _told(module: object) -> str:
    """Return a module's docstring and those of its public functions."""
    functions = [
        one
        for name, one in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_") and inspect.getmodule(one) is module
    ]
    return "\n\n".join(filter(None, map(inspect.getdoc, (module, *functions))))


def _with_doc(*told: object) -> str:
    return "\n\n".join(filter(None, map(inspect.getdoc, told)))


def _read(detector: Detector) -> str:
    return ", ".join(f"`{one}`" for one in detector.facets) or "the agent's baseline as such"


def _techniques(name: str) -> str:
    return f"- Techniques: {', '.join(TAGS[name])}.\n" if name in TAGS else ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE.name}\n")
