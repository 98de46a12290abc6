"""What is remembered of each kind of event, value by value."""

from dataclasses import dataclass
from typing import get_args

import pytest

from builders import (
    ACTOR,
    AGENT,
    BASH,
    BOUND,
    CLAUDE,
    DAY,
    HOST,
    at,
    called,
    loaded,
    process,
    reached,
    resolved,
    started,
    touched,
)
from leeway.events import (
    WITHIN,
    AnyEvent,
    Event,
    Facet,
    Heartbeat,
    Process,
    ProcessEnded,
    SignatureChecked,
    ToolCalled,
    identified,
)
from leeway.summaries import FACETS, Credit, SummaryBuilder
from leeway.summaries.builder import Credits

SATURDAY = DAY.replace(day=14)
WEEKDAY = {Facet.HOUR: {("weekday", "10")}}


def seen(event: AnyEvent) -> dict[Facet, set[tuple[str, ...]]]:
    builder = SummaryBuilder(event.time.date(), BOUND)
    builder.add(event, Credits((AGENT,), (AGENT,)), lambda: ACTOR)
    return {facet: set(values) for facet, values in builder.summaries()[AGENT].sightings.items()}


@dataclass(frozen=True)
class Row:
    name: str
    event: AnyEvent
    facets: dict[Facet, set[tuple[str, ...]]]


def domain(registrable: str, host: str, port: str = "443") -> dict[Facet, set[tuple[str, ...]]]:
    return {
        Facet.REGISTRABLE_DOMAIN: {(registrable,)},
        Facet.DOMAIN: {(registrable, host)},
        Facet.DOMAIN_PORT: {(registrable, port)},
        Facet.PORT: {("out", port)},
    }


def network(wide: str, narrow: str, ip: str, port: str = "443") -> dict[Facet, set[tuple[str, ...]]]:
    return {
        Facet.SUPERNET: {(wide,)},
        Facet.NETWORK: {(wide, narrow)},
        Facet.NETWORK_PORT: {(wide, narrow, port)},
        Facet.IP: {(wide, narrow, ip)},
        Facet.PORT: {("out", port)},
    }


def path(tree: str, directory: str, name: str) -> dict[Facet, set[tuple[str, ...]]]:
    return {Facet.TREE: {(tree,)}, Facet.DIRECTORY: {(tree, directory)}, Facet.FILE: {(tree, directory, name)}}


GIT = process("git", line="/usr/bin/git push --depth 3")
MODEL = "/srv/models/phi.gguf"
MODEL_USER = {Facet.MODEL_FILE_USER: {("/srv/models/phi.gguf", "ana")}, Facet.USER: {("ana",)}}
MODEL_FACETS = {
    Facet.MODEL_FILE: {("/srv/models/phi.gguf",)},
    Facet.MODEL_FILE_ARGUMENTS: {("/srv/models/phi.gguf", "claude --resume")},
    **path("/srv/models", "/srv/models", "phi.gguf"),
}

ROWS = [
    Row(
        "a child",
        started(GIT, CLAUDE, user="ana"),
        {Facet.CHILD: {("git",)}, Facet.CHILD_ARGUMENTS: {("git", "push --depth #")}, Facet.USER: {("ana",)}},
    ),
    Row(
        "a child whose command line is not reported",
        started(Process(image="git.EXE"), CLAUDE),
        {Facet.CHILD: {("git",)}},
    ),
    Row(
        "a child without arguments",
        started(process("git"), CLAUDE),
        {Facet.CHILD: {("git",)}, Facet.CHILD_ARGUMENTS: {("git", "")}},
    ),
    Row("a child without an image", started(Process(pid=7), CLAUDE), {}),
    Row("the start of no process", started(None), {}),  # type: ignore[arg-type]  # a hostile record
    Row(
        "a process that ended",
        identified(ProcessEnded(time=at(), host=HOST, process=CLAUDE, user="ana")),
        {Facet.USER: {("ana",)}},
    ),
    Row("a heartbeat", identified(Heartbeat(time=at(), host=HOST)), {}),
    Row(
        "a named host",
        reached("API.Example.co.uk.", address="192.0.2.7"),
        {
            **domain("example.co.uk", "api.example.co.uk"),
            Facet.IP: {("192.0.0.0/16", "192.0.2.0/24", "192.0.2.7")},
        },
    ),
    Row("a host without its address", reached("a.example"), domain("a.example", "a.example")),
    Row("a single label", reached("printer"), domain("printer", "printer")),
    Row("the last port that is its own", reached("a.example", 49_151), domain("a.example", "a.example", "49151")),
    Row("an ephemeral port", reached("a.example", 49_152), domain("a.example", "a.example", "ephemeral")),
    Row("an address", reached("192.0.2.7", 22), network("192.0.0.0/16", "192.0.2.0/24", "192.0.2.7", "22")),
    Row(
        "an address in a named range",
        reached("192.0.2.7", 22, range="cloud eu"),
        {
            **network("192.0.0.0/16", "192.0.2.0/24", "192.0.2.7", "22"),
            Facet.NAMED_RANGE: {("cloud eu",)},
            Facet.NAMED_NETWORK: {("cloud eu", "192.0.2.0/24")},
        },
    ),
    Row("a named host in a named range", reached("a.example", range="cloud eu"), domain("a.example", "a.example")),
    Row(
        "upkeep by the program whose it is",
        reached("statsig.anthropic.com"),
        {
            **domain("anthropic.com", "statsig.anthropic.com"),
            Facet.DOMAIN_CONTEXT: {("anthropic.com", "statsig.anthropic.com", "claude_telemetry")},
        },
    ),
    Row(
        "upkeep of another program",
        resolved("pypi.org"),
        {
            Facet.REGISTRABLE_DOMAIN: {("pypi.org",)},
            Facet.DOMAIN: {("pypi.org", "pypi.org")},
            Facet.DOMAIN_CONTEXT: {("pypi.org", "pypi.org", "")},
        },
    ),
    Row("a checked signature", identified(SignatureChecked(time=at(), host=HOST, digest="ab", signer="Ana")), {}),
    Row(
        "an IPv6 address",
        reached("[2001:db8:1:2::7]"),
        network("2001:db8::/32", "2001:db8:1::/48", "2001:db8:1:2::7"),
    ),
    Row("a mapped address", reached("::ffff:192.0.2.7"), network("192.0.0.0/16", "192.0.2.0/24", "192.0.2.7")),
    Row("an inbound connection", reached("192.0.2.7", 8_080, outbound=False), {Facet.PORT: {("in", "8080")}}),
    Row(
        "an inbound one on a high port",
        reached("a.example", 60_000, outbound=False),
        {Facet.PORT: {("in", "ephemeral")}},
    ),
    Row("a connection to nowhere", reached(""), {Facet.PORT: {("out", "443")}}),
    Row(
        "a resolved name",
        resolved("WWW.Example.org."),
        {Facet.REGISTRABLE_DOMAIN: {("example.org",)}, Facet.DOMAIN: {("example.org", "www.example.org")}},
    ),
    Row("a resolved address is no name", resolved("192.0.2.7"), {}),
    Row("a resolved nothing", resolved("."), {}),
    Row(
        "a module",
        loaded("/usr/lib/libcrypto.so.3", digest="ABcd"),
        {Facet.MODULE: {("libcrypto.so",)}, Facet.MODULE_DIGEST: {("libcrypto.so", "abcd")}},
    ),
    Row(
        "a module without a digest",
        loaded(r"C:\Windows\System32\NTDLL.dll"),
        {Facet.MODULE: {("ntdll.dll",)}, Facet.MODULE_DIGEST: {("ntdll.dll", "")}},
    ),
    Row("the own image is no module", loaded("/opt/CLAUDE", digest="ab"), {}),
    Row("a module without a name", loaded(""), {}),
    Row(
        "a module with a long name",
        loaded("/x/" + "z-" * 300),
        {Facet.MODULE: {("z-" * 128,)}, Facet.MODULE_DIGEST: {("z-" * 128, "")}},
    ),
    Row("a file", touched("/home/ana/.ssh/id_1"), path("/home/ana/.ssh", "/home/ana/.ssh", "id_#")),
    Row("a deep file", touched(r"C:\Users\Ana\Src\X\a.PY"), path("c:/users/ana/src", "c:/users/ana/src/x", "a.py")),
    Row("a file at the root", touched("/x"), path("", "/", "x")),
    Row("a model file that is modified", touched(MODEL, user="ana"), {**MODEL_FACETS, **MODEL_USER}),
    Row("a model file that is deleted by nobody known", touched(MODEL, "deleted"), MODEL_FACETS),
    Row("a model file that is read", touched(MODEL, "read"), path("/srv/models", "/srv/models", "phi.gguf")),
    Row(
        "a tool call",
        called("send_mail", arguments={"to": "x@y.example", "body": "z"}),
        {Facet.TOOL: {("send_mail",)}, Facet.TOOL_ARGUMENT: {("send_mail", "to"), ("send_mail", "body")}},
    ),
    Row("a tool call without arguments", called("list"), {Facet.TOOL: {("list",)}}),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_is_remembered_of_an_event(row: Row) -> None:
    assert seen(row.event) == {**WEEKDAY, **row.facets}


@pytest.mark.parametrize(
    ("event", "value"),
    [
        pytest.param(reached("a.example", when=at(0)), ("weekday", "00"), id="midnight"),
        pytest.param(reached("a.example", when=at(23, 59, day=SATURDAY)), ("weekend", "23"), id="saturday"),
        pytest.param(reached("a.example", when=at(5, day=DAY.replace(day=13))), ("weekday", "05"), id="friday"),
    ],
)
def test_hours_are_of_weekdays_or_weekends(event: AnyEvent, value: tuple[str, str]) -> None:
    assert seen(event)[Facet.HOUR] == {value}


def test_the_table_shows_every_facet_and_every_kind_of_event() -> None:
    assert {facet for row in ROWS for facet in seen(row.event)} == set(Facet)
    assert {type(row.event) for row in ROWS} == set(get_args(AnyEvent))


def test_every_facet_has_a_row_or_is_fed_by_tool_arguments() -> None:
    assert {row.facet for row in FACETS} == set(Facet) - {Facet.TOOL_ARGUMENT}
    assert all(issubclass(row.event, Event) for row in FACETS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_values_extend_the_value_they_lie_within(row: Row) -> None:
    values = seen(row.event)
    for facet, parent in WITHIN.items():
        if facet in {Facet.DOMAIN, Facet.DIRECTORY, Facet.FILE, Facet.IP} and parent in values:
            assert {value[:-1] for value in values.get(facet, set())} <= values[parent]


CREDITED = {
    Credit.LINEAGE: {"near", "far"},
    Credit.NEAREST: {"near"},
    Credit.PARENT: {"far"},
}


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(started(GIT, BASH, user="ana"), id="start"),
        pytest.param(reached("a.example", address="192.0.2.7"), id="connection"),
        pytest.param(loaded("/x/y.so"), id="module"),
        pytest.param(touched(MODEL, user="ana"), id="file"),
        pytest.param(called("search"), id="tool"),
    ],
)
def test_each_row_counts_for_the_agents_it_names(event: AnyEvent) -> None:
    builder = SummaryBuilder(DAY, BOUND)
    builder.add(event, Credits(("near", "far"), ("far",)), lambda: ACTOR)
    summaries = builder.summaries()
    for row in FACETS:
        if isinstance(event, row.event) and row.read(event, ACTOR) is not None:
            assert {agent for agent, one in summaries.items() if row.facet in one.sightings} == CREDITED[row.credit]
    assert [one.events for one in summaries.values()] == [1, 1]


def test_tool_arguments_count_for_the_nearest_agent_by_name_only() -> None:
    builder = SummaryBuilder(DAY, BOUND)
    call = ToolCalled(time=at(), host=HOST, tool="t", arguments={"secret": "never kept"})
    builder.add(call, Credits(("near", "far")), lambda: ACTOR)
    summaries = builder.summaries()
    assert list(summaries["near"].sightings[Facet.TOOL_ARGUMENT]) == [("t", "secret")]
    assert Facet.TOOL_ARGUMENT not in summaries["far"].sightings
