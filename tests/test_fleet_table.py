"""The fleet of the benchmarks: what it promises, that Leeway finds what is planted, and that the peer counts alike."""

import json
from argparse import Namespace
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import duckdb
import pytest

from benchmark_script import BENCHMARKS, script_of
from golden.command import leeway

ROWS = 20_000
SHAPES = {"child_arguments", "model_file_arguments"}
"""Facets whose values the peer makes more simply, so that only their counts agree."""


class Written(NamedTuple):
    """A written fleet and what is known of it."""

    place: Path
    truth: dict

    def half(self, name: str) -> Path:
        return self.place / f"{name}.parquet"

    def ask(self, question: str) -> list[tuple]:
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            file = str(self.place / "*.parquet")
            connection.execute("SET VARIABLE files = $files", {"files": file})
            connection.execute(
                "CREATE VIEW fleet AS FROM read_parquet(getvariable('files'), file_row_number = true, filename = true)"
            )
            return connection.execute(question).fetchall()


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return script_of("fleet_table")


def options(script: ModuleType, *words: str) -> Namespace:
    return script.parser().parse_args([*words, "--out", "."])


def written(script: ModuleType, place: Path, *words: str) -> Written:
    return Written(place, script.write(place, options(script, *words)))


@pytest.fixture(scope="module")
def fleet(script: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Written:
    return written(script, tmp_path_factory.mktemp("fleet"), "--rows", str(ROWS), "--agents", "5")


def test_rows_are_many_ordered_and_some_are_told_twice(fleet: Written) -> None:
    ((rows, ids, starts, processes),) = fleet.ask(
        "SELECT count(*), count(DISTINCT id), count_if(kind = 'process_started') / count(*),"
        " count(DISTINCT process_uid) FROM fleet"
    )
    assert ROWS - 14 <= rows <= ROWS
    assert 0.008 <= 1 - ids / rows <= 0.012
    assert 0.12 <= starts <= 0.15
    assert processes > 1_000
    assert fleet.ask(
        "SELECT count(*) FROM (SELECT time < lag(time) OVER (PARTITION BY filename ORDER BY file_row_number) AS back"
        " FROM fleet) WHERE back"
    ) == [(0,)]


def test_a_copy_differs_in_nothing(fleet: Written) -> None:
    rows = "SELECT DISTINCT * EXCLUDE (file_row_number, filename) FROM fleet"
    assert fleet.ask(f"SELECT count(*) - count(DISTINCT id) FROM ({rows})") == [(0,)]  # noqa: S608  # our own words


def test_the_same_seed_gives_the_same_rows_and_another_seed_others(
    script: ModuleType, fleet: Written, tmp_path: Path
) -> None:
    again = written(script, tmp_path / "again", "--rows", str(ROWS), "--agents", "5")
    other = written(script, tmp_path / "other", "--rows", str(ROWS), "--agents", "5", "--seed", "2")
    question = "SELECT bit_xor(hash(COLUMNS(* EXCLUDE (file_row_number, filename)))) FROM fleet"
    assert again.ask(question) == fleet.ask(question) != other.ask(question)
    assert again.truth == fleet.truth


@pytest.mark.parametrize(
    ("words", "least", "most"),
    [
        pytest.param(("--command-lines", "100"), 50, 110, id="a number to a template"),
        pytest.param(("--unique-command-lines",), 2_400, 4_000, id="one a process"),
    ],
)
def test_command_lines_are_as_many_as_asked_for(
    script: ModuleType, tmp_path: Path, words: tuple[str, ...], least: int, most: int
) -> None:
    fleet = written(script, tmp_path, "--rows", str(ROWS), "--agents", "5", *words)
    ((lines,),) = fleet.ask("SELECT count(DISTINCT process_command_line) FROM fleet")
    assert least <= lines <= most


def test_all_agents_are_known_as_agents_and_nothing_else_is(fleet: Written, tmp_path: Path) -> None:
    told = leeway("agents", fleet.half("learn"), "--json", "--id-key", tmp_path / "id.key").json()
    agents = [one["name"] for one in told if one["tier"] == "agent"]
    assert sorted(name.split()[0] for name in agents) == ["aider", "claude", "codex", "gemini", "opencode"]


def test_what_is_planted_is_found_and_little_else(fleet: Written, tmp_path: Path) -> None:
    here = ("--output-dir", tmp_path / "state", "--id-key", tmp_path / "id.key")
    assert leeway("bootstrap", fleet.half("learn"), *here).code == 0
    assert leeway("detect", fleet.half("judge"), *here).code == 3
    findings = leeway("findings", "--json", *here).json()
    planted = {(one["type"], one["time"][:10], one["agent"].rpartition("/")[2]) for one in fleet.truth["planted"]}
    assert len(planted) == 5
    found = {(one["type"], one["day"], one["agent_name"].split()[0]) for one in findings}
    assert planted <= found
    ids = {one["id"] for one in fleet.truth["planted"]}
    others = Counter(one["severity"] for one in findings if ids.isdisjoint(one["event_ids"]))
    assert others["CRITICAL"] + others["HIGH"] == 0
    assert others["MEDIUM"] <= 2
    assert others["LOW"] <= 8


def test_the_peer_counts_what_leeway_counts(fleet: Written, tmp_path: Path) -> None:
    own: Counter[tuple] = Counter()
    for one in leeway("summarise", fleet.half("judge"), "--json", "--id-key", tmp_path / "id.key").json():
        for facet, values in one["sightings"].items():
            for value in values:
                shown = () if facet in SHAPES else tuple(value["value"])
                own[one["name"].split()[0], one["day"], facet, shown] += value["sighting"][0]
    assert peer_counts(fleet, "judge") == own


def peer_counts(fleet: Written, half: str) -> Counter[tuple]:
    """Return (agent, day, facet, value) to sightings as `peer.sql` makes them of one file."""
    counts: Counter[tuple] = Counter()
    for name, day, facet, within, value, n in peer_rows(fleet, half):
        parts = (() if within is None else tuple(within.split("\x1f"))) + tuple(value.split("\x1f"))
        shown = () if facet in SHAPES else (*parts[:-1], parts[-1].zfill(2)) if facet == "hour" else parts
        counts[name, day, facet, shown] += n
    return counts


def peer_rows(fleet: Written, half: str) -> list[tuple]:
    text = (BENCHMARKS / "peer.sql").read_text(encoding="utf-8").partition("-- The first week")[0]
    with duckdb.connect() as connection:
        script_of("peer_duckdb").prepare(connection, str(fleet.half(half)), str(fleet.half("judge")), str(fleet.place))
        connection.execute(text)
        return connection.execute(
            "SELECT name, day::VARCHAR, facet, within, value, n FROM sightings() JOIN agents USING (agent)"
        ).fetchall()


def test_the_whole_peer_runs_and_leaves_what_is_not_established(fleet: Written) -> None:
    with duckdb.connect() as connection:
        files = (str(fleet.half("learn")), str(fleet.half("judge")))
        script_of("peer_duckdb").prepare(connection, *files, str(fleet.place))
        connection.execute((BENCHMARKS / "peer.sql").read_text(encoding="utf-8"))
        values = {one for (one,) in connection.execute("SELECT value FROM candidates").fetchall()}
        (sent,) = connection.execute("SELECT sum(bytes_out) FROM judged_totals WHERE destination IS NULL").fetchone()
    assert {"nmap", "willow-share.net", "libkeytap.so", "/root/.ssh", "svc-backup"} <= values
    assert sent > 40_000_000_000


def test_the_truth_is_written_beside_the_files(fleet: Written) -> None:
    assert json.loads((fleet.place / "truth.json").read_text(encoding="utf-8")) == fleet.truth


def test_the_peer_blanks_what_differs_in_unique_command_lines(script: ModuleType, tmp_path: Path) -> None:
    fleet = written(script, tmp_path, "--rows", str(ROWS), "--agents", "5", "--unique-command-lines")
    shapes = {value for _, _, facet, _, value, _ in peer_rows(fleet, "learn") if facet == "child_arguments"}
    assert 20 <= len(shapes) <= 100
