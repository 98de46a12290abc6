"""Packed baselines and instances come back as they went in; a file that somebody edited is an error of ours."""

import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import AGENT, KEY, reached, settled, touched
from leeway.agents import AgentKey, Instance, InstanceKey
from leeway.baselines import Baseline, Entry, Pending, Provenance, encode_baseline
from leeway.engines.duckdb.packed_files import (
    count_values,
    part_of,
    read_baselines,
    read_instances,
    write_baselines,
    write_instances,
)
from leeway.errors import StateError
from leeway.events import EventRef, Facet, Measure
from leeway.findings import Severity
from strategies import counts, digests, maybe, texts, times

DAYS = st.integers(1, date.max.toordinal())
IDS = st.text("0123456789abcdef", min_size=32, max_size=32)
ENTRIES = st.builds(
    lambda days, mask, seen, hours, ref: Entry(max(days), mask, seen, min(days), hours, EventRef(*ref)),
    st.tuples(DAYS, DAYS),
    st.integers(1, (1 << 60) - 1),
    counts(),
    st.integers(0, (1 << 48) - 1),
    st.tuples(times(), texts()),
)
VALUES = st.lists(texts(), min_size=1, max_size=3).map(tuple)


def of_facets(kept: st.SearchStrategy) -> st.SearchStrategy:
    return st.dictionaries(st.sampled_from(Facet), st.dictionaries(VALUES, kept, min_size=1, max_size=3), max_size=3)


BASELINES = st.builds(
    Baseline,
    agent=IDS,
    key=st.builds(AgentKey, texts(), texts(), maybe(texts()), maybe(texts())),
    first_day=DAYS,
    last_day=DAYS,
    active_days=counts(),
    events=counts(),
    entries=of_facets(ENTRIES),
    pending=of_facets(st.builds(Pending, ENTRIES, st.sampled_from(Severity))),
    novelties=st.dictionaries(
        st.sampled_from(Facet), st.dictionaries(DAYS, counts(), min_size=1, max_size=3), max_size=3
    ),
    hourly=st.dictionaries(
        st.sampled_from(Measure),
        st.dictionaries(
            DAYS, st.dictionaries(st.integers(0, 23), st.integers(0, 10**37), min_size=1, max_size=3), min_size=1
        ),
        max_size=2,
    ),
    provenance=st.lists(st.builds(Provenance, texts(), st.dates(), st.dates()), max_size=2).map(tuple),
    promoted=st.dictionaries(DAYS, counts(), max_size=2),
    evicted=counts(),
)
INSTANCES = st.builds(
    Instance,
    key=st.builds(InstanceKey, texts(), texts()),
    image=texts(),
    pid=maybe(counts()),
    command_line=maybe(texts()),
    user=maybe(texts()),
    started=maybe(times()),
    ended=maybe(times()),
    parent=maybe(st.builds(InstanceKey, texts(), texts())),
    digest=maybe(digests()),
    sha1=maybe(digests()),
    unit=maybe(texts()),
    evidence=st.frozensets(texts(), max_size=3),
    last_day=st.integers(0, date.max.toordinal()),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(BASELINES, max_size=4, unique_by=lambda one: one.agent))
def test_baselines_come_back(baselines: list[Baseline]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        halves = [Path(folder) / "['1].new", Path(folder) / "2.new"]
        write_baselines(halves[0], baselines[::2])
        write_baselines(halves[1], baselines[1::2])
        assert read_baselines(halves) == {one.agent: one for one in baselines}
        assert list(read_baselines(halves)) == sorted(one.agent for one in baselines)
        few = {one.agent for one in baselines[:1]}
        assert read_baselines(halves, few) == {one.agent: one for one in baselines[:1]}
        held = [sum(map(len, one.entries.values())) for one in baselines]
        assert (count_values(halves), count_values(halves, few)) == (sum(held), sum(held[1:]))


@settings(max_examples=40, deadline=None)
@given(st.lists(INSTANCES, max_size=5, unique_by=lambda one: one.key))
def test_instances_come_back(instances: list[Instance]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "instances.new"
        write_instances(file, instances)
        assert list(read_instances([file])) == sorted(instances, key=lambda one: one.key)


def test_equal_baselines_make_equal_files(tmp_path: Path) -> None:
    baseline = settled(reached("api.openai.com", bytes_out=10), touched("/srv/a"))
    for name in ("one", "other"):
        write_baselines(tmp_path / name, [baseline])
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    (back,) = read_baselines([tmp_path / "one"]).values()
    assert encode_baseline(back) == encode_baseline(baseline)


def test_nothing_of_nowhere() -> None:
    assert (read_baselines([]), list(read_instances([])), count_values([])) == ({}, [], 0)


def test_agents_are_spread_by_the_beginning_of_their_id() -> None:
    ids = [f"{number:02x}{'0' * 30}" for number in range(256)]
    assert {part_of(one) for one in ids} == {f"baselines:{bucket}" for bucket in range(16)}
    assert part_of("1f" + "0" * 30) == "baselines:15"


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param("* REPLACE (if(part = 1, 'no facet', facet) AS facet)", "Invalid enum value", id="facet"),
        pytest.param("* REPLACE (if(part = 1, NULL, value) AS value)", r"Expected `array`", id="no value"),
        pytest.param("* REPLACE (if(part = 1, '[\"a\",null]', value) AS value)", "Expected `str`", id="half a value"),
        pytest.param("* REPLACE (if(part = 1, 'a', value) AS value)", "Malformed JSON", id="a value that is no JSON"),
        pytest.param("* REPLACE (9999999::INTEGER AS last)", "<= 3652059", id="a day that is none"),
        pytest.param("* REPLACE (0::UBIGINT AS days)", ">= 1", id="seen on no day"),
        pytest.param("* REPLACE (1125899906842624::BIGINT AS hours)", "<= 281474976710655", id="an hour that is none"),
        pytest.param("* REPLACE (9223372036854775807 AS first_time)", "there is no time", id="a time that is none"),
        pytest.param("* REPLACE (NULL::VARCHAR AS agent)", "Expected `str`", id="no agent"),
        pytest.param("* REPLACE (99::INTEGER AS hour)", "<= 23", id="the 99th hour"),
        pytest.param("* REPLACE ('\\x00'::BLOB AS body)", "not a stored baseline", id="a head of another form"),
        pytest.param("* REPLACE (replace(agent, 'a', 'b') AS agent)", "head of another agent", id="another agent"),
        pytest.param("* EXCLUDE (total)", "other columns", id="without a column"),
        pytest.param("* REPLACE (last::VARCHAR AS last)", "other columns", id="of another type"),
        pytest.param("*, 1 AS more", "other columns", id="with another column"),
        pytest.param("* REPLACE (if(part = 0, 9, part)::UTINYINT AS part)", "lack the head", id="without a head"),
        pytest.param("", "No magic bytes", id="cut off"),
    ],
)
def test_edited_baselines_are_refused(change: str, reason: str, tmp_path: Path) -> None:
    file, edited = tmp_path / "whole", tmp_path / "edited"
    write_baselines(file, [settled(reached("api.openai.com", bytes_out=10), touched("/srv/a"))])
    with duckdb.connect() as session:
        session.execute(f"CREATE VIEW whole AS FROM read_parquet('{file}')")
        session.execute(f"COPY (FROM whole SELECT {change or '*'}) TO '{edited}' (FORMAT parquet)")
    if not change:
        _cut(edited)
    with pytest.raises(StateError, match=reason):
        read_baselines([edited])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param("NULL::VARCHAR AS image", "Expected `str`", id="no image"),
        pytest.param("['x', NULL] AS evidence", "Expected `str`", id="evidence without a name"),
        pytest.param("NULL::VARCHAR AS parent_host", "half a parent", id="half a parent"),
        pytest.param("-9223372036854775807 AS started", "there is no time", id="a start that is none"),
        pytest.param("-1::INTEGER AS last_day", ">= 0", id="a day that is none"),
    ],
)
def test_edited_instances_are_refused(change: str, reason: str, tmp_path: Path) -> None:
    file, edited = tmp_path / "whole", tmp_path / "edited"
    parent = InstanceKey("h1", "b1")
    one = Instance(key=InstanceKey("h1", "c1"), parent=parent, started=datetime(2026, 3, 9, tzinfo=UTC), last_day=7)
    write_instances(file, [one])
    with duckdb.connect() as session:
        session.execute(
            f"COPY (FROM read_parquet('{file}') SELECT * REPLACE ({change})) TO '{edited}' (FORMAT parquet)"
        )
    with pytest.raises(StateError, match=reason):
        list(read_instances([edited]))


def test_a_file_that_is_not_there_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="is not what was written"):
        read_baselines([tmp_path / "missing"])
    with pytest.raises(StateError, match="cannot write"):
        write_baselines(tmp_path / "no" / "folder", [Baseline(agent=AGENT, key=KEY, first_day=1, last_day=1)])
