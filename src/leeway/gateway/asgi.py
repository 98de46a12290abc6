"""ASGI middleware: a request is judged before the application sees it."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from leeway.errors import InvalidConfigError
from leeway.gateway.adapters import read_json
from leeway.gateway.attempt import Attempt
from leeway.gateway.decisions import Decision
from leeway.gateway.gate import Adapter, Checked, Gate

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY_BYTES: Final = 64 * 1024
_DENIED: Final = 403
_TOO_SLOW: Final = 408
_POLICY_VIOLATION: Final = 1008
"""Close code of a WebSocket; before it is accepted, servers answer 403."""


class HttpRequest(Struct, frozen=True, kw_only=True):
    """A request as an adapter sees it."""

    method: str
    """`WEBSOCKET` for the opening of one, which has no body."""
    path: str
    headers: dict[str, str]
    """Names in small letters; of several of one name the values joined by a comma."""
    body: bytes
    """Its beginning, where it is larger than the limit."""
    is_whole: bool
    scope: Scope

    def json(self) -> dict[str, object]:
        """Return the object in the body.

        Raises:
            InvalidEventError: where it is not whole, no JSON, ambiguous, or no object.
        """
        return read_json(self.body, is_whole=self.is_whole)


class AsgiSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the middleware reads and answers.

    Raises:
        InvalidConfigError: where a status is no refusal, or a limit is below 1.
    """

    body_bytes: int = BODY_BYTES
    """Of a body that are read before the judgement; the rest streams to the application untouched."""
    body_seconds: float = 10.0
    """How long that part of a body may take to come."""
    ask_status: int = 409
    """Status for an act that waits for a person's yes."""
    tells_reason: bool = True
    """Whether the answer says why. It helps people, and whoever tries what passes."""

    def __post_init__(self) -> None:
        if not 400 <= self.ask_status <= 599:  # noqa: PLR2004  # the refusals of HTTP
            raise InvalidConfigError("ask_status must be from 400 to 599: any other one says that the act was done")
        if self.body_bytes < 1 or self.body_seconds <= 0:
            raise InvalidConfigError("body_bytes and body_seconds must be above 0")


DEFAULT: Final = AsgiSettings()


class GateMiddleware:
    """Puts an ASGI application behind a gate.

    Blind to: what is said over a WebSocket once it is open, and to a body beyond the limit.

    Args:
        app: the application.
        gate: decides.
        agent_of: names the agent of a connection, from what the host has authenticated: a header that the caller may
            set is no name.
        adapter: makes an event of an `HttpRequest`.
        concerns: says whether a connection is an act of an agent; all are by default. The others pass, counted.
        settings: how it reads and answers.
    """

    def __init__(
        self,
        app: Application,
        *,
        gate: Gate,
        agent_of: Callable[[Scope], str],
        adapter: Adapter,
        concerns: Callable[[Scope], bool] = lambda _: True,
        settings: AsgiSettings = DEFAULT,
    ) -> None:
        self._app = app
        self._gate = gate
        self._agent_of = agent_of
        self._adapter = adapter
        self._concerns = concerns
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge a connection; then it is the application's, or it is answered here."""
        kind = scope["type"]
        if kind == "lifespan":  # the server's own
            await self._app(scope, receive, send)
        elif not self._is_concerned(scope):
            self._gate.passed()
            await self._app(scope, receive, send)
        elif kind == "http":
            await self._http(scope, receive, send)
        else:
            await self._other(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = _Body(receive, self._settings.body_bytes)
        try:
            async with asyncio.timeout(self._settings.body_seconds):
                await body.read()
        except TimeoutError:
            await _answer(send, _TOO_SLOW, {"decision": Decision.DENY, "reason": "the body did not come in time"})
            return
        if body.is_gone:
            return
        checked = await self._checked(scope, body.start, is_whole=body.is_whole)
        if checked.is_allowed:
            await self._app(scope, body.receive, send)
        else:
            status = self._settings.ask_status if checked.decision is Decision.ASK else _DENIED
            await _answer(send, status, self._refusal(checked))

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        checked = await self._checked(scope, b"", is_whole=True)
        if checked.is_allowed:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()  # the opening, which is answered by closing
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": checked.decision.value})

    async def _checked(self, scope: Scope, body: bytes, *, is_whole: bool) -> Checked:
        agent_id = ""  # without a name it is no event, and the policy's rule for that holds
        with Attempt():
            agent_id = str(self._agent_of(scope) or "")
        request = HttpRequest(
            method=str(scope.get("method", scope["type"])).upper(),
            path=str(scope.get("path", "")),
            headers=_headers(scope),
            body=body,
            is_whole=is_whole,
            scope=scope,
        )
        return await self._gate.check(agent_id, request, adapter=self._adapter)

    def _is_concerned(self, scope: Scope) -> bool:
        answer = True
        with Attempt():  # whoever cannot say has not said no
            answer = self._concerns(scope)
        return bool(answer)

    def _refusal(self, checked: Checked) -> dict[str, object]:
        said: dict[str, object] = {"decision": checked.decision}
        if self._settings.tells_reason:
            said |= {"cause": checked.cause, "reason": checked.reason}
            if checked.result is not None:
                said |= {"level": checked.result.threat_level.value}
        return said


class _Body:
    """The body of a request: its beginning is read, and given to the application as if it had not been."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._most = most
        self._read = bytearray()
        self._has_more = True
        self._is_given = False
        self.is_gone = False

    @property
    def start(self) -> bytes:
        """What the judge may see of it."""
        return bytes(self._read[: self._most])

    @property
    def is_whole(self) -> bool:
        return not self._has_more and len(self._read) <= self._most

    async def read(self) -> None:
        """Read until its end, or more than the limit; no more than one message beyond it is held."""
        while self._has_more and len(self._read) <= self._most:
            message = await self._receive()
            if message["type"] != "http.request":
                self.is_gone = True
                return
            self._read += message.get("body", b"")
            self._has_more = bool(message.get("more_body", False))

    async def receive(self) -> Message:
        """Give what was read as one message, then what comes."""
        if self._is_given:
            return await self._receive()
        self._is_given = True
        body = bytes(self._read)
        self._read.clear()
        return {"type": "http.request", "body": body, "more_body": self._has_more}


def _headers(scope: Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in scope.get("headers", ()):
        key = bytes(name).decode("latin-1").lower()
        text = bytes(value).decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


async def _answer(send: Send, status: int, said: dict[str, object]) -> None:
    body = msgspec.json.encode(said)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
