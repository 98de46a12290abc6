"""Findings in the Common Event Format, version 0 of the header, one line each."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from leeway import __version__
from leeway.findings import Finding, Severity
from leeway.sinks.bounds import fit
from leeway.sinks.instants import milliseconds
from leeway.sinks.sink import Told
from leeway.text import display

_LEVELS = {Severity.INFO: 1, Severity.LOW: 3, Severity.MEDIUM: 5, Severity.HIGH: 8, Severity.CRITICAL: 10}
"""Of the scale 0 to 10: low to 3, medium to 6, high to 8, very high."""

_LONG, _SHORT = 1_000, 500
"""Bytes of an extension's value; the format's dictionary has 1,023 for most and 4,000 for custom strings."""


@dataclass(frozen=True)
class Cef:
    """One line a finding."""

    version: str = __version__
    """Of this product, as the header tells it."""

    name: ClassVar[str] = "cef"
    suffix: ClassVar[str] = ".cef"
    is_appended: ClassVar[bool] = True

    def render(self, findings: Iterable[Finding], told: Told | None = None) -> bytes:
        """Return the lines."""
        return b"".join(self.line(one, told).encode() + b"\n" for one in findings)

    def line(self, finding: Finding, told: Told | None = None) -> str:
        """Return the line of one finding."""
        title = f"{finding.type}: {finding.agent_name}"
        parts = ("Leeway", "Leeway", self.version, finding.type, title, str(_LEVELS[finding.severity]))
        pairs = (f"{key}={_value(text)}" for key, text in _extension(finding, told) if text)
        return f"CEF:0|{'|'.join(map(_part, parts))}|{' '.join(pairs)}"


def _part(text: str) -> str:
    return fit(display(text, limit=_SHORT), _SHORT).replace("\\", r"\\").replace("|", r"\|")


def _value(text: str) -> str:
    # A line's end has been made visible by `display`, so that none is left to escape.
    return fit(display(text, limit=_LONG), _LONG).replace("\\", r"\\").replace("=", r"\=")


def _extension(finding: Finding, told: Told | None) -> Iterator[tuple[str, str]]:
    first, last = str(milliseconds(finding.first)), str(milliseconds(finding.last))
    yield from (("rt", last), ("start", first), ("end", last))
    yield from (("externalId", finding.finding_id), ("dvchost", finding.host), ("suser", finding.user))
    yield from (("sproc", finding.process), ("msg", finding.reason))
    if told is not None:
        yield from (("act", told.activity), ("cnt", str(told.days)), ("deviceExternalId", told.delivery))
    yield from _labelled("cs1", "agent", finding.agent_name)
    yield from _labelled("cs2", "case", finding.case_id)
    yield from _labelled("cs3", "lineage", " > ".join(finding.lineage))
    yield from _labelled("cs4", "commandLine", finding.command_line)
    yield from _labelled("cs5", "context", ", ".join(finding.context))
    yield from _labelled("cs6", "techniques", ", ".join(finding.tags))
    yield from _labelled("cfp1", "surprise", f"{finding.surprise.p:.6g}")


def _labelled(key: str, label: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield a custom value and what it means; neither where there is none."""
    if text:
        yield key, text
        yield f"{key}Label", label
