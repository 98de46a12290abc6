"""The middleware before a small application of its own: what is refused never reaches it, what passes is untouched."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from gateway_judge import AGENT, TableJudge, halting_gate, raising, run

from leeway.errors import InvalidConfigError
from leeway.gateway import (
    FAIL_OPEN,
    AsgiSettings,
    Gate,
    GateMiddleware,
    GatePolicy,
    HttpRequest,
    mcp_call,
    tool_call,
)

Message = dict[str, Any]
SECRET = "hunter2hunter2"  # noqa: S105  # a made-up one


class Site:
    """An ASGI application that repeats the body it gets, a chunk an answer, and a server that speaks to it."""

    def __init__(self) -> None:
        self.bodies: list[list[bytes]] = []
        self.kinds: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  # as ASGI has it
        self.kinds.append(scope["type"])
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
        if scope["type"] != "http":
            return
        chunks: list[bytes] = []
        self.bodies.append(chunks)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        more = True
        while more:
            message = await receive()
            chunks.append(message["body"])
            more = message.get("more_body", False)
            await send({"type": "http.response.body", "body": message["body"], "more_body": more})
        assert (await receive())["type"] == "http.disconnect"


def scope_of(path: str = "/tools", **more: object) -> dict[str, Any]:
    headers = [(b"X-Agent", AGENT.encode()), (b"authorization", f"Bearer {SECRET}".encode())]
    return {"type": "http", "method": "POST", "path": path, "headers": headers, **more}


def agent_of(scope: Any) -> str:  # noqa: ANN401  # as ASGI has it
    return str(dict(scope["headers"])[b"X-Agent"].decode())


def as_tool(request: HttpRequest) -> object:
    said = request.json()
    return tool_call(str(said["tool"]), {"to": said.get("to")})


async def serve(app: Callable[..., Awaitable[None]], chunks: Sequence[bytes], scope: dict[str, Any]) -> list[Message]:
    sent: list[Message] = []
    waiting: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": index < len(chunks) - 1}
        for index, chunk in enumerate(chunks)
    ]
    waiting.append({"type": "http.disconnect"})

    async def receive() -> Message:
        await asyncio.sleep(0)
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


def asked(
    gate: Gate,
    *chunks: bytes,
    site: Site | None = None,
    scope: dict[str, Any] | None = None,
    **more: Any,  # noqa: ANN401  # of the middleware
) -> tuple[int, Any]:
    """Return the status and what was answered, read as JSON where it is."""
    given = {"agent_of": agent_of, "adapter": as_tool} | more
    app = GateMiddleware(site or Site(), gate=gate, **given)
    sent = run(serve(app, chunks or (b"",), scope or scope_of()))
    body = b"".join(one.get("body", b"") for one in sent)
    headers = dict(sent[0].get("headers", ()))
    return sent[0]["status"], json.loads(body) if headers.get(b"content-type") == b"application/json" else body


def body_of(tool: str) -> bytes:
    return json.dumps({"tool": tool, "to": "ana"}).encode()


@pytest.mark.parametrize(
    ("tool", "status", "decision", "level"),
    [
        pytest.param("medium_one", 409, "ask", "medium", id="ask"),
        pytest.param("high_one", 403, "deny", "high", id="deny"),
        pytest.param("unknown_one", 409, "ask", "unknown", id="unknown agent"),
    ],
)
def test_what_is_refused_does_not_reach_the_application(tool: str, status: int, decision: str, level: str) -> None:
    site = Site()
    with Gate(TableJudge()) as gate:
        answered, said = asked(gate, body_of(tool), site=site)
    assert answered == status
    assert (said["decision"], said["level"]) == (decision, level)
    assert said["reason"]
    assert site.kinds == []


def test_what_is_allowed_reaches_it_as_it_was_sent() -> None:
    site, whole = Site(), body_of("search")
    with Gate(TableJudge()) as gate:
        assert asked(gate, whole[:5], whole[5:], site=site) == (200, whole)
    assert b"".join(site.bodies[0]) == whole


def test_a_large_body_streams_on_behind_what_was_read() -> None:
    site, judge = Site(), TableJudge()
    chunks = [b"a" * 10, b"b" * 10, b"c" * 10, b"d" * 10]
    seen: list[HttpRequest] = []

    def adapter(request: HttpRequest) -> object:
        seen.append(request)
        return {"event_type": "upload"}

    with Gate(judge) as gate:
        status, body = asked(gate, *chunks, site=site, adapter=adapter, settings=AsgiSettings(body_bytes=15))
    assert (status, body) == (200, b"".join(chunks))
    assert site.bodies == [[b"a" * 10 + b"b" * 10, b"c" * 10, b"d" * 10]]
    assert (seen[0].body, seen[0].is_whole, seen[0].method) == (b"a" * 10 + b"b" * 5, False, "POST")


AMBIGUOUS = [
    pytest.param(b'{"tool": "search", "tool": "high_one"}', id="a name twice"),
    pytest.param(b'{"tool": "search", "to": NaN}', id="no number"),
    pytest.param(b"[1]", id="no object"),
    pytest.param(b"tool=search", id="no JSON"),
    pytest.param(b"\xff", id="no text"),
    pytest.param(b"[" * 60_000, id="deep"),
    pytest.param(b"", id="nothing"),
    pytest.param(b'{"to": "ana"}', id="no tool"),
    pytest.param(b'{"tool": "' + b"x" * 70_000 + b'"}', id="too large to be read"),
]


@pytest.mark.parametrize("body", AMBIGUOUS)
def test_what_cannot_be_read_alike_by_all_is_refused(body: bytes) -> None:
    site = Site()
    with Gate(TableJudge()) as gate:
        status, said = asked(gate, body, site=site)
        assert gate.counts.failed_closed == 1
    assert (status, said["cause"], site.kinds) == (403, "unreadable", [])


def test_a_failing_judge_refuses_or_not_by_policy() -> None:
    with Gate(raising(OSError(SECRET))) as gate:
        status, said = asked(gate, body_of("search"))
    assert (status, said["cause"], said["reason"]) == (403, "error", "the judge failed: OSError")
    with Gate(raising(OSError(SECRET)), policy=FAIL_OPEN) as gate:
        assert asked(gate, body_of("search"))[0] == 200
        assert gate.counts.failed_open == 1


def test_a_slow_judge_refuses() -> None:
    with halting_gate(GatePolicy(time_limit_ms=30)) as gate:
        assert asked(gate, body_of("search"))[1]["cause"] == "timeout"


def test_a_caller_without_a_name_is_refused() -> None:
    site = Site()
    with Gate(TableJudge()) as gate:
        status, said = asked(gate, body_of("search"), site=site, scope=scope_of(headers=[]))
    assert (status, said["cause"], site.kinds) == (403, "unreadable", [])


def test_statuses_and_words_are_settings() -> None:
    settings = AsgiSettings(ask_status=428, tells_reason=False)
    with Gate(TableJudge()) as gate:
        assert asked(gate, body_of("medium_one"), settings=settings) == (428, {"decision": "ask"})
        assert asked(gate, body_of("high_one"), settings=settings) == (403, {"decision": "deny"})


@pytest.mark.parametrize(
    "settings", [{"ask_status": 200}, {"ask_status": 302}, {"body_bytes": 0}, {"body_seconds": 0}], ids=str
)
def test_settings_that_would_mislead(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfigError):
        AsgiSettings(**settings)


def test_what_is_no_act_passes_counted() -> None:
    site, judge = Site(), TableJudge()
    with Gate(judge) as gate:
        concerns = {"concerns": lambda scope: scope["path"] != "/health"}
        assert asked(gate, b"high_one", site=site, scope=scope_of("/health"), **concerns) == (200, b"high_one")
        assert asked(gate, body_of("high_one"), site=site, **concerns)[0] == 403
        broken = {"concerns": lambda scope: scope["nothing"]}
        assert asked(gate, body_of("high_one"), site=site, **broken)[0] == 403
    assert (gate.counts.passed, len(judge.asked)) == (1, 2)


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.sleep(60)
        return {}

    async def send(message: Message) -> None:
        sent.append(message)

    site, judge = Site(), TableJudge()
    with Gate(judge) as gate:
        app = GateMiddleware(
            site, gate=gate, agent_of=agent_of, adapter=as_tool, settings=AsgiSettings(body_seconds=0.02)
        )
        run(app(scope_of(), receive, send))
    assert (sent[0]["status"], site.kinds, judge.asked) == (408, [], [])


def test_a_caller_that_leaves_is_not_judged() -> None:
    site, judge = Site(), TableJudge()
    with Gate(judge) as gate:
        app = GateMiddleware(site, gate=gate, agent_of=agent_of, adapter=as_tool)
        assert run(serve(app, (), scope_of())) == []
    assert (site.kinds, judge.asked) == ([], [])


@pytest.mark.parametrize(
    ("tool", "sent"),
    [
        pytest.param("search", {"type": "websocket.accept"}, id="opens"),
        pytest.param("high_one", {"type": "websocket.close", "code": 1008, "reason": "deny"}, id="denied"),
        pytest.param("medium_one", {"type": "websocket.close", "code": 1008, "reason": "ask"}, id="asked"),
    ],
)
def test_a_websocket_is_judged_before_it_opens(tool: str, sent: Message) -> None:
    def adapter(request: HttpRequest) -> object:
        assert request.method == "WEBSOCKET"
        return tool_call(request.path.strip("/"), {})

    with Gate(TableJudge()) as gate:
        app = GateMiddleware(Site(), gate=gate, agent_of=agent_of, adapter=adapter)
        scope = scope_of(f"/{tool}", type="websocket")
        del scope["method"]
        assert run(serve(app, (), scope)) == [sent]


def test_the_server_s_own_business_is_not_judged() -> None:
    site, judge = Site(), TableJudge()
    with Gate(judge) as gate:
        run(serve(GateMiddleware(site, gate=gate, agent_of=agent_of, adapter=as_tool), (), {"type": "lifespan"}))
    assert (site.kinds, judge.asked, gate.counts.passed) == (["lifespan"], [], 0)


def test_an_unknown_kind_of_connection_is_judged_too() -> None:
    site = Site()
    with Gate(TableJudge()) as gate:
        app = GateMiddleware(site, gate=gate, agent_of=agent_of, adapter=as_tool)
        run(serve(app, (), scope_of(type="webtransport")))
    assert site.kinds == []


def test_headers_of_one_name_are_joined() -> None:
    seen: list[HttpRequest] = []
    headers = [(b"X-Agent", AGENT.encode()), (b"x-one", b"a"), (b"X-One", b"b")]
    with Gate(TableJudge()) as gate:
        asked(gate, body_of("search"), scope=scope_of(headers=headers), adapter=lambda one: seen.append(one) or {})
    assert seen[0].headers == {"x-agent": AGENT, "x-one": "a, b"}


@pytest.mark.parametrize("tool", ["search", "high_one"])
def test_nothing_is_logged(tool: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="leeway"), Gate(TableJudge()) as gate:
        asked(gate, body_of(tool))
    assert [one for one in caplog.records if one.name != "asyncio"] == []


def test_no_secret_of_a_request_is_answered() -> None:
    def adapter(request: HttpRequest) -> object:
        raise ValueError(request.headers["authorization"])

    with Gate(TableJudge()) as gate:
        assert SECRET not in str(asked(gate, body_of("search"), adapter=adapter))


# MCP


def mcp(request: HttpRequest) -> object:
    return mcp_call(request.json())


@pytest.mark.parametrize(
    ("message", "status"),
    [
        pytest.param({"method": "tools/call", "params": {"name": "search", "arguments": {}}}, 200, id="allowed"),
        pytest.param({"method": "tools/call", "params": {"name": "high_one"}}, 403, id="denied"),
        pytest.param({"method": "tools/list"}, 200, id="another method"),
        pytest.param({"method": "tools/call", "params": {"arguments": {}}}, 403, id="no tool"),
        pytest.param({"method": "tools/call", "params": {"name": "x", "arguments": [1]}}, 403, id="no arguments"),
        pytest.param({"method": "tools/call", "params": [1]}, 403, id="no parameters"),
        pytest.param({"result": {}}, 403, id="an answer is no act"),
    ],
)
def test_mcp(message: dict[str, Any], status: int) -> None:
    with Gate(TableJudge()) as gate:
        assert asked(gate, json.dumps({"jsonrpc": "2.0", "id": 1} | message).encode(), adapter=mcp)[0] == status
