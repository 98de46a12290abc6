"""The examples of the page run, one after the other, as the page says."""

import logging
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from gateway_judge import result

from leeway.gateway import GatePolicy
from leeway.gateway.decisions import RULES
from leeway.library.results import AnomalyResult
from leeway.library.security_event import SecurityEvent
from leeway.library.threat_level import ThreatLevel

PAGE = (Path(__file__).parents[2] / "docs" / "gateway.md").read_text("utf-8")


class Helpdesk:
    """Knows one agent that searches and answers."""

    def detect(self, agent_id: str, event: SecurityEvent, *, recent: Sequence[SecurityEvent] = ()) -> AnomalyResult:
        del recent
        level = ThreatLevel.NONE if event.tool in {"search", "answer"} else ThreatLevel.HIGH
        return result(level, agent=agent_id)


def test_the_examples_run() -> None:
    pytest.importorskip("prometheus_client")
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 7
    names: dict[str, object] = {"detector": Helpdesk()}
    try:
        for block in blocks:
            exec(compile(block, "docs/gateway.md", "exec"), names)  # noqa: S102  # the page's own code
    finally:
        log = logging.getLogger("shop.audit")
        for one in list(log.handlers):
            log.removeHandler(one)


def test_the_table_of_rules_is_the_default_policy() -> None:
    rows = re.findall(r"^\| [^|]*\| (`.*`) \| (allow|ask|deny) \|$", PAGE, re.MULTILINE)
    table = {rule: decision for rules, decision in rows for rule in re.findall(r"`(\w+)`", rules)}
    assert table == {rule: str(getattr(GatePolicy(), rule)) for rule in RULES}


def test_the_page_names_every_metric() -> None:
    source = (Path(__file__).parents[2] / "src" / "leeway" / "gateway" / "metrics.py").read_text("utf-8")
    named = set(re.findall(r"leeway_[a-z_]+", source.partition('"""Metrics for')[2].partition("Args:")[0]))
    assert len(named) == 12
    assert named - set(re.findall(r"leeway_[a-z_]+", PAGE)) == set()
