"""Lines that are read as columns mean what the reader of lines says, or are left to it."""

import gzip
import json
import lzma
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leeway.config import Resources
from leeway.engines.duckdb.json_lines import LEAST, write_columns
from leeway.engines.duckdb.looking import look_at
from leeway.events import COLUMNS, INSTANTS, AnyEvent, row_of
from leeway.sources import JsonLines, Place, Rejected, Skipped
from leeway.sources.jsonl import write_event
from leeway.sources.lines import LINE_LIMIT
from strategies import events

ONE_CORE = Resources(threads=1)


class Raw(str):
    """A value as it is spelt."""

    __slots__ = ()


Pairs = list[tuple[str, Any]]


def told(line: bytes) -> Pairs:
    return json.loads(line, object_pairs_hook=list)


def spelt(value: object) -> str:
    """Return a value in its shortest spelling; objects are lists of pairs."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, list) and (not value or isinstance(value[0], tuple)):
        return "{" + ",".join(f"{spelt(key)}:{spelt(one)}" for key, one in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(spelt, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def objects(pairs: Pairs) -> list[Pairs]:
    """Return the object and those within it."""
    return [pairs, *(value for _, value in pairs if isinstance(value, list) and value and isinstance(value[0], tuple))]


VALUES = tuple(
    Raw(text)
    for text in (
        "5", '"5"', "5.0", "5e0", "-0", "-1", "05", "1E400", "18446744073709551616", "9223372036854775808", "0.5",
        "NaN", "Infinity", "-inf", "nan", "true", "false", "null", '"true"', '"null"', '""', "{}", "[]", "[null]",
        "[1]", '["a",5]', '{"a":1}', '{"uid":"u","uid":"v"}', '{"a":"1","a":"2"}', '{"image":"x","pid":"7"}',
        '{"pid":1.0}',
        '"2026-03-02T09:00:00"', '"2026-03-02T09:00:00Z"', '"2026-03-02T24:00:00Z"', '"2026-03-02T23:59:60Z"',
        '"2026-03-02t09:00:00z"', '"2026-03-02 09:00:00Z"', '"2026-03-02T09:00:00+0100"', '"2026-02-30T09:00:00Z"',
        '"2026-03-02T09:00:00.1234567Z"', '"2026-03-02T09:00:00.12Z"', '"2026-03-02T09:00:00-14:59"',
        '"9999-01-01T00:00:00+01:00"', '"0001-01-01T00:00:00Z"', '"0002-01-01T00:00:00+01:00"', '"2026-03-02T09:00Z"',
        '"1000-01-01T00:00:00+14:00"', "1772442000", '"a\\/b"', '"\\u0041"', '"\\ud800"', '"\\ud83d\\ude00"',
        '"\\u0000"',
        '"\\u001F"', '"a\\"b"', '"\\\\"', '"e\u0301"', '"\u0301"', '"\t"', "'a'", '"a"b"', '"--token abcdef0123456789"',
        "[1,]", '"' + "x" * 300 + '"', '"' + "x" * 1_100 + '"',
    )
)  # fmt: skip


def _value(rng: Random, pairs: Pairs) -> None:
    one = rng.choice(objects(pairs))
    place = rng.randrange(len(one))
    one[place] = (one[place][0], rng.choice(VALUES))


def _twice(rng: Random, pairs: Pairs) -> None:
    one = rng.choice(objects(pairs))
    key, value = rng.choice(one)
    one.insert(rng.randrange(len(one) + 1), (key, rng.choice((value, *VALUES))))


def _more(rng: Random, pairs: Pairs) -> None:
    keys = ("x", "Kind", "HOST", "port", "process", "agent", "observes", "pid", "", "arguments", "addresses", "user")
    rng.choice(objects(pairs)).append((rng.choice((*keys, *COLUMNS)), rng.choice(VALUES)))


def _less(rng: Random, pairs: Pairs) -> None:
    one = rng.choice(objects(pairs))
    del one[rng.randrange(len(one))]


def _order(rng: Random, pairs: Pairs) -> None:
    rng.shuffle(rng.choice(objects(pairs)))


def _key(rng: Random, pairs: Pairs) -> None:
    one = rng.choice(objects(pairs))
    place = rng.randrange(len(one))
    key, value = one[place]
    others = (key.upper(), key + " ", Raw(f'"\\u{ord(key[0]):04x}{key[1:]}"') if key else "x", Raw("kind"))
    one[place] = (rng.choice(others), value)


INNER: tuple[Callable[[Random, Pairs], None], ...] = (_value, _value, _value, _twice, _more, _less, _order, _key)

OUTER: tuple[Callable[[Random, bytes], bytes], ...] = (
    lambda _, line: line + b"\r",
    lambda _, line: line + b" ",
    lambda _, line: b" " + line,
    lambda _, line: b"\xef\xbb\xbf" + line,
    lambda _, line: line + b"\x00",
    lambda _, line: line + b"x",
    lambda _, line: line[:-1] + b",}",
    lambda _, line: line + line,
    lambda _, line: line + b"\n",
    lambda _, line: line + b"\n ",
    lambda _, line: b"[" + line + b"]",
    lambda _, line: line[:-1],
    lambda _, line: json.dumps(json.loads(line)).encode(),
    lambda _, line: json.dumps(json.loads(line), separators=(",", ":")).encode(),
    lambda rng, line: line[: (at := rng.randrange(len(line)))] + rng.choice(BYTES) + line[at:],
    lambda rng, line: line[: (at := rng.randrange(len(line)))] + line[at + 1 :],
)
BYTES = (
    b"\xff",
    b"\xed\xa0\x80",
    b"\xc0\x80",
    b"\xf4\x90\x80\x80",
    b"\xc3",
    b"\x00",
    b"\x1b",
    b",",
    b'"',
    b"\n",
    b"}{",
)


def changed(line: bytes, seed: int) -> bytes:
    """Return a line as a sensor of somebody's own, or somebody hostile, may write it."""
    rng = Random(seed)  # noqa: S311  # variety, no secret
    pairs = told(line)
    try:
        for _ in range(rng.choice((1, 1, 2, 3))):
            rng.choice(INNER)(rng, pairs)
    except (IndexError, ValueError):
        pass
    line = spelt(pairs).encode("utf-8", "surrogatepass")
    try:
        return rng.choice(OUTER)(rng, line) if rng.random() < 0.3 else line
    except ValueError:
        return line + b"\x0c"


def read(file: Path) -> list[AnyEvent | Rejected | Skipped]:
    return [record for _, record in JsonLines(Place(file)).read()]


def columns_of(file: Path, draft: Path) -> tuple[int, list[dict[str, Any]]] | None:
    """Return what is read as columns, the rows as `row_of` has them; None where it is left to the reader of lines."""
    found = write_columns(Place(file), draft, ONE_CORE, least=0)
    if found is None:
        assert not draft.exists()
        return None
    if look_at(draft, ONE_CORE).flaws:
        return None
    cells = ", ".join(f'epoch_us("{name}")' if name in INSTANTS else f'"{name}"' for name in COLUMNS)
    rows = duckdb.read_parquet(str(draft)).project(cells).fetchall()
    named = (dict(zip(COLUMNS, row, strict=True)) for row in rows)
    return found, [{name: cell for name, cell in row.items() if cell is not None} for row in named]


def listed(event: AnyEvent) -> dict[str, Any]:
    return {name: list(cell) if isinstance(cell, tuple) else cell for name, cell in row_of(event).items()}


def in_any_order(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


def check(lines: list[bytes], folder: Path) -> str:
    """Hold columns to lines; say what came of it."""
    file = folder / "some.jsonl"
    file.write_bytes(b"".join(line + b"\n" for line in lines))
    found = columns_of(file, folder / "draft.parquet")
    if found is None:
        return "left"
    records = read(file)
    assert [one for one in records if isinstance(one, Rejected | Skipped)] == []
    expected = [listed(one) for one in records]
    assert in_any_order(found[1]) == in_any_order(expected)
    assert found[0] == file.stat().st_size
    if "<secret>" in str(expected):
        return "redacted"
    assert found[1] == expected
    return "taken"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lines")


@settings(max_examples=60)
@given(st.lists(events(), min_size=1, max_size=8))
def test_what_leeway_writes_is_read_as_columns(folder: Path, some: list[AnyEvent]) -> None:
    assert check([write_event(one)[:-1] for one in some], folder) in {"taken", "redacted"}


def test_lines_that_differ_are_read_the_same_or_left(folder: Path) -> None:
    tried: Counter[str] = Counter()

    @settings(max_examples=max(150, settings.default.max_examples))
    @given(st.lists(events(), min_size=1, max_size=3), st.integers(0, 1 << 32), st.integers(0, 3))
    def look(some: list[AnyEvent], seed: int, plain: int) -> None:
        lines = [write_event(one)[:-1] for one in some]
        rng = Random(seed)  # noqa: S311  # variety, no secret
        for _ in range(1 + (plain == 0)):
            place = rng.randrange(len(lines))
            lines[place] = changed(write_event(some[place])[:-1], rng.getrandbits(32))
        tried[check(lines, folder)] += 1

    look()
    assert tried["taken"] >= 1
    assert tried["left"] >= 50


LINE = b'{"kind":"process_started","time":"2026-03-02T09:00:00Z","id":"%s","host":"h","process":{"pid":%s},"user":%s}'
PLAIN = LINE % (b"a", b"1", b'"ana"')


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(LINE % (b"a", b'"1"', b"5"), id="a number as text, and a text as number, that take as many bytes"),
        pytest.param(LINE % (b"a", b"1", b'"b","user":"c"'), id="a member twice"),
        pytest.param(LINE % (b"a", b'1,"pid":2', b'"b"'), id="a member twice within another"),
        pytest.param(LINE % (b"a", b'1,"PID":2', b'"b"'), id="a member in other letters"),
        pytest.param(LINE % (b"a", b"1.0", b'"b"'), id="a whole number with a fraction"),
        pytest.param(LINE % (b"a", b"-0", b'"b"'), id="minus nothing"),
        pytest.param(LINE % (b"", b"1", b'"b"'), id="no id"),
        pytest.param(LINE % (b"a", b"1", b'"b",'), id="a comma too many"),
        pytest.param(LINE % (b"a", b"1", b"null"), id="a null"),
        pytest.param(LINE % (b"a", b"1", b'"b","port":443'), id="a member of another kind"),
        pytest.param(LINE % (b"a", b"1", b'"b","agent":{}'), id="an agent without uid"),
        pytest.param(LINE % (b"a", b"1", b"NaN"), id="not a number"),
        pytest.param(PLAIN + PLAIN + b"\n", id="two on a line, and an empty one"),
        pytest.param(PLAIN + b" " + PLAIN + b"\n ", id="two on a line, and a blank one"),
        pytest.param(b"\xef\xbb\xbf" + PLAIN, id="a byte order mark"),
        pytest.param(PLAIN.replace(b"Z", b""), id="a time without zone"),
        pytest.param(PLAIN.replace(b"T09", b"T24"), id="an hour too late"),
        pytest.param(PLAIN.replace(b"2026", b"9999").replace(b"Z", b"+01:00"), id="a year out of range in its zone"),
        pytest.param(PLAIN.replace(b'"h"', b'"h\xff"'), id="no UTF-8"),
        pytest.param(PLAIN.replace(b'"h"', b'"' + b"h" * LINE_LIMIT + b'"'), id="a line too long"),
        pytest.param(PLAIN.replace(b",", b", "), id="spaces"),
        pytest.param(PLAIN.replace(b"process_started", b"process_starte\\u0064"), id="an escape that need not be"),
        pytest.param(
            PLAIN.replace(b'"process":{"pid":1}', b'"process":' + b'{"process":' * 70 + b"{}" + b"}" * 70), id="depth"
        ),
    ],
)  # fmt: skip
def test_what_is_left_to_the_reader_of_lines(line: bytes, tmp_path: Path) -> None:
    assert check([PLAIN] * 3, tmp_path) == "taken"
    assert check([PLAIN, line, PLAIN], tmp_path) == "left"


def test_secrets_are_taken_out_before_anything_is_written(tmp_path: Path) -> None:
    line = PLAIN.decode().replace('"pid":1', '"command_line":"x --token s3cr3t{0}abc"').replace('"a"', '"e{0}"')
    some = [line.replace("{0}", str(number)).encode() for number in range(50)]
    (tmp_path / "twice").mkdir()
    assert check(some, tmp_path) == "redacted"
    assert check([*some, some[0]], tmp_path / "twice") == "left"
    assert b"s3cr3t" not in (tmp_path / "draft.parquet").read_bytes()
    left = duckdb.read_parquet(str(tmp_path / "draft.parquet")).select("process_command_line").distinct()
    assert left.fetchall() == [("x --token <secret>",)]


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress], ids=["gzip", "xz"])
def test_compressed_files(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    lines = b"".join(PLAIN.replace(b'"a"', b'"e%d"' % number) + b"\n" for number in range(40))
    (tmp_path / "some").write_bytes(pack(lines[:900]) + pack(lines[900:]))
    found = columns_of(tmp_path / "some", tmp_path / "draft.parquet")
    assert found is not None
    assert (found[0], len(found[1])) == (len(lines), 40)
    assert {path.name for path in tmp_path.iterdir()} == {"some", "draft.parquet"}
    (tmp_path / "cut").write_bytes(pack(lines)[:-9])
    assert columns_of(tmp_path / "cut", tmp_path / "other") is None


@pytest.mark.parametrize("end", [b"", b"\n\n", b"\r\n"])
def test_a_file_that_ends_otherwise(end: bytes, tmp_path: Path) -> None:
    (tmp_path / "some").write_bytes(PLAIN + b"\n" + PLAIN + end)
    assert columns_of(tmp_path / "some", tmp_path / "draft.parquet") is None


def test_a_small_file_is_read_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "some").write_bytes((PLAIN + b"\n") * (LEAST // (len(PLAIN) + 1)))
    assert write_columns(Place(tmp_path / "some"), tmp_path / "draft", ONE_CORE) is None
    (tmp_path / "some").write_bytes((PLAIN + b"\n") * (LEAST // (len(PLAIN) + 1) + 1))
    assert write_columns(Place(tmp_path / "some"), tmp_path / "draft", ONE_CORE) is not None
