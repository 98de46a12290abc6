"""Adding a source touches two files, and what its page tells people to switch on is what it reads."""

import inspect
import re
import runpy
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from pkgutil import resolve_name

import pytest

from leeway.events import ConnectionOpened, Facet
from leeway.modes.observability import observe_source
from leeway.sources import SOURCES, Rejected, Skipped, SourceKind, falco_acts, open_sources, opening, source_kinds
from leeway.sources.auditd_acts import FILE_CALLS
from leeway.sources.defender_columns import TABLES as DEFENDER_TABLES
from leeway.sources.osquery_tables import TABLES as OSQUERY_TABLES
from leeway.sources.tetragon_probes import FUNCTIONS
from source_contract import check_source

ROOT = Path(__file__).resolve().parents[2]

MADE_UP = '''
"""The door log: who called where, in words."""

from datetime import datetime

from leeway.events import ConnectionOpened, Facet, Process
from leeway.sources import Skipped, without_secrets
from leeway.sources.lines import lines
from leeway.sources.records import rejected


class Door:
    """One call a line: `door TIME HOST PROGRAM called NAME PORT`."""

    name = "door"
    patterns = ("*.door",)
    observes = frozenset({Facet.REGISTRABLE_DOMAIN, Facet.DOMAIN, Facet.HOUR})

    def __init__(self, place):
        self._place = place

    @property
    def uri(self):
        return self._place.uri

    @classmethod
    def recognises(cls, line):
        """Say whether the line starts with the word door."""
        return line.startswith(b"door ")

    def read(self, *, after=None):
        for offset, line in lines(self._place, after):
            yield str(offset), rejected(offset, b"", line) if isinstance(line, str) else self._record(offset, line)

    def _record(self, offset, line):
        words = line.decode("utf-8", "replace").split()
        if len(words) != 7 or words[0] != "door":
            return rejected(offset, line, "not seven words")
        if words[4] != "called":
            return Skipped(str(offset), "not used: no call")
        try:
            return without_secrets(_event(words))
        except ValueError as error:
            return rejected(offset, line, str(error))


def _event(words):
    process = Process(image=words[3])
    time = datetime.fromisoformat(words[1])
    return ConnectionOpened(time=time, host=words[2], process=process, destination=words[5], port=int(words[6]))
'''

FEED = b"""\
door 2026-03-02T09:00:00Z ws1 claude called api.example.org 443
door 2026-03-02T09:00:01Z ws1 claude waited for lunch
door 2026-03-02T09:00:02 ws1 claude called no.zone 443
what?
door 2026-03-02T09:00:03Z ws1 claude called other.example.org 8443
"""


@pytest.fixture
def _kinds_afresh() -> Iterator[None]:
    source_kinds.cache_clear()
    yield
    source_kinds.cache_clear()


@pytest.fixture(params=["its line in SOURCES", "an entry point"])
def door(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _kinds_afresh: None
) -> SourceKind:
    """A kind of source that was added by one module and one line, the line being one of the two there can be."""
    (tmp_path / "made_up_door.py").write_text(MADE_UP)
    monkeypatch.syspath_prepend(tmp_path)
    kind = resolve_name("made_up_door:Door")
    if request.param == "an entry point":
        entry = EntryPoint("door", "made_up_door:Door", "leeway.sources")
        monkeypatch.setattr(opening, "entry_points", lambda **_: [entry])
    else:
        monkeypatch.setattr(opening, "SOURCES", (*SOURCES, kind))
        monkeypatch.setattr(opening, "entry_points", lambda **_: [])
    return kind


def test_a_made_up_source_is_found_read_and_judged_as_any_other(door: SourceKind, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "monday.door").write_bytes(FEED)
    for uri in (logs, logs / "monday.door", f"door:{logs}", logs / "*.door"):
        (source,) = open_sources(str(uri))
        assert isinstance(source, door)
    kinds = [type(record) for _, record in source.read()]
    assert kinds == [ConnectionOpened, Skipped, Rejected, Rejected, ConnectionOpened]
    found = observe_source(source)
    assert (found.kind, found.records, found.seen[Facet.DOMAIN]) == ("door", 5, 2)
    assert "excess_transfer" in found.blind()


@pytest.mark.parametrize("body", [FEED, b"", FEED[:-30], b"\xff\x00door" * 99, b"door 9 h p called x y\n" * 3])
@pytest.mark.parametrize("cut", [0, 1, 3])
def test_a_made_up_source_is_held_to_the_contract(door: SourceKind, body: bytes, cut: int) -> None:
    check_source(door, body, cut)


def test_the_page_of_a_made_up_source_needs_no_other_file(door: SourceKind) -> None:
    page = runpy.run_path(str(ROOT / "tools" / "source_docs.py"))["page"]((*SOURCES, door))
    section = page.partition("\n## door\n")[2].partition("\n## ")[0]
    assert "*The door log: who called where, in words.*" in section
    assert "Recognised where the line starts with the word door." in section
    assert "`*.door`" in section
    assert "| door | `new_user`," in page


def test_the_example_of_contributing_names_every_file_that_knows_falco() -> None:
    knowing = {
        str(path.relative_to(ROOT)) for path in (ROOT / "src").rglob("*.py") if "falco" in _text(path).casefold()
    }
    section = _text(ROOT / "CONTRIBUTING.md").partition("## A source in two")[2].partition("```")[2].partition("```")[0]
    assert set(re.findall(r"^(src/\S+)", section, re.MULTILINE)) == knowing
    assert (
        _text(ROOT / "src/leeway/sources/opening.py").casefold().count("\nfrom leeway.sources.falco import falco\n")
        == 1
    )
    assert sum("falco" in line.casefold() for line in _text(ROOT / "src/leeway/sources/opening.py").splitlines()) == 2


def _text(path: Path) -> str:
    return path.read_text("utf-8")


def switched_on(name: str) -> str:
    """Return what the page says has to be switched on for a kind."""
    kind = next(one for one in SOURCES if one.name == name)
    return (inspect.getdoc(inspect.getmodule(kind)) or "").partition("On the sensor:")[2]


@pytest.mark.parametrize("kind", SOURCES, ids=lambda kind: kind.name)
def test_every_page_says_what_to_switch_on(kind: SourceKind) -> None:
    assert len(switched_on(kind.name)) > 30


def test_the_fields_that_falco_is_asked_for_are_read() -> None:
    asked = re.findall(
        r"[a-z]+(?:\.[a-z_0-9]+)+", switched_on("falco").partition("extra_fields: [")[2].partition("]")[0]
    )
    spelt = {
        field: re.sub(r"^proc\.p?(?=(?:exepath|name|pid|pid\.ts|cmdline)$)", "proc.{of}", field) for field in asked
    }
    read = inspect.getsource(falco_acts)
    assert len(asked) >= 20
    assert [field for field, own in spelt.items() if f'"{own}"' not in read] == []


def test_the_system_calls_that_auditd_is_asked_for_are_read() -> None:
    asked = {call for calls in re.findall(r"-S (\S+)", switched_on("auditd")) for call in calls.split(",")}
    assert asked - FILE_CALLS.keys() == {"execve", "execveat", "exit_group", "connect"}


def test_the_functions_that_tetragon_is_asked_for_are_read() -> None:
    told = switched_on("tetragon")
    asked = {*re.findall(r"- call: (\w+)", told), *re.findall(r"`((?:sys|security|ip4|inet|tcp|fd)_\w+)`", told)}
    assert len(asked) >= 9
    assert asked <= FUNCTIONS.keys()


def test_the_tables_that_osquery_and_defender_are_asked_for_are_read() -> None:
    tables = {table.name for table in OSQUERY_TABLES}
    asked = re.findall(r"\b(?:bpf_)?(\w+_events|processes)\b(?!=)", switched_on("osquery"))
    assert {name for name in asked if not name.startswith(("audit_", "enable_", "disable_"))} <= tables
    named = set(re.findall(r"\b(Device\w+|SecurityEvent)\b", switched_on("defender")))
    assert {"DeviceFileCertificateInfo", "DeviceEvents"} < named <= DEFENDER_TABLES.keys()
