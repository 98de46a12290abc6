"""Looking at a source without state: its agents with their evidence, its summaries."""

from pathlib import Path

import pytest

from golden.journal import ROOT, Journal, at, bot_day, lines
from golden.play import KEY
from leeway.agents import catalogue
from leeway.config import Settings, parse_scope
from leeway.engines import engine_named
from leeway.events import DeclaredAgent, Measure, ToolCalled
from leeway.modes import survey, survey_summaries
from leeway.modes.survey import describe
from leeway.sources import Source, open_sources


@pytest.fixture
def sources(tmp_path: Path) -> tuple[Source, ...]:
    journal = Journal()
    for day in (1, 2):
        bot_day(journal, day)
    editor = journal.start(at(2, "09:00"), "vim notes.md", ROOT)
    journal.connect(at(2, "09:05"), editor, "api.openai.com")
    agent = DeclaredAgent(uid="billing-assistant", instance_uid="run-1")
    journal.events.append(
        ToolCalled(id="t1", time=at(2, "10:00"), agent=agent, tool="search", arguments={"query": "x"})
    )
    (tmp_path / "events.jsonl").write_bytes(lines(journal.events))
    return open_sources(str(tmp_path / "events.jsonl"))


def test_agents_come_first_and_weaker_evidence_after(sources: tuple[Source, ...]) -> None:
    found = survey(sources, Settings(), KEY)
    assert [(str(one.key), one.tier, one.category, one.instances) for one in found] == [
        ("billing-assistant", "agent", "declared", 0),
        ("python3 /opt/bot/agent.py @ desk", "agent", "llm_api", 2),
        ("vim notes.md @ desk", "possible", "llm_api", 1),
    ]
    assert [bool(one.agent) for one in found] == [True, True, False]
    assert found[1].evidence == ("destination.openai", "module.tokens", "name.python")


def test_looking_tells_how_far_it_is(sources: tuple[Source, ...]) -> None:
    told: list[tuple[str, int]] = []
    survey(sources, Settings(), KEY, lambda stage, done: told.append((stage, done)))
    assert [done for _, done in told] == list(range(1, 22))
    assert {stage for stage, _ in told} == {f"reading {sources[0].uri}"}
    again: list[tuple[str, int]] = []
    survey_summaries(sources, Settings(), KEY, engine_named("fold"), lambda *one: again.append(one))
    assert again == told


def test_evidence_is_told_in_words() -> None:
    assert describe(catalogue(), "destination.openai") == "OpenAI API, by its destination (weight 2)"


def test_scope_says_who_is_watched(sources: tuple[Source, ...]) -> None:
    found = survey(sources, Settings(scope=parse_scope("name:vim")), KEY)
    assert [one.key.process for one in found if one.agent] == ["", "vim"]


def test_summaries_of_every_agent_and_day(sources: tuple[Source, ...]) -> None:
    rows = survey_summaries(sources, Settings(), KEY, engine_named("fold"))
    assert sorted((one.day.day, str(key), one.events) for key, one in rows) == [
        (3, "python3 /opt/bot/agent.py @ desk", 9),
        (4, "billing-assistant", 1),
        (4, "python3 /opt/bot/agent.py @ desk", 9),
    ]
    assert rows[0][1].measures[Measure.BYTES_OUT][""].total == 9_200
    assert [(one.day, one.agent) for _, one in rows] == sorted((one.day, one.agent) for _, one in rows)
