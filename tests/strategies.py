"""Hypothesis strategies of events; `events()` gives any kind, whole and hostile enough to be worth reading back."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from leeway.events import (
    AnyEvent,
    ConnectionOpened,
    DeclaredAgent,
    FileTouched,
    Heartbeat,
    ModuleLoaded,
    NameResolved,
    Process,
    ProcessEnded,
    ProcessStarted,
    SignatureChecked,
    ToolCalled,
    identified,
)

WORDS = (
    "",
    "claude",
    "python3 -m http.server",
    "=cmd|'/C calc'!A0",
    "'quoted",
    '"a","b"',
    "two\r\nlines",
    "<empty>",
    '<json>"x"',
    "null",
    "-",
    "\x00\x1b[2J",
    "Grüße 日本",
    "a,b",
    " spaced ",
    "\u2028",
)
"""Texts that have broken a reader of some format before."""


def texts(limit: int = 40) -> st.SearchStrategy[str]:
    """Any text that UTF-8 can hold."""
    return st.one_of(st.sampled_from(WORDS), st.text(st.characters(codec="utf-8"), max_size=limit))


def times() -> st.SearchStrategy[datetime]:
    """Instants of the years 2000 to 2099, to the microsecond, in UTC."""
    return st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis adds the zone


def counts() -> st.SearchStrategy[int]:
    return st.integers(0, 1 << 62)


def digests() -> st.SearchStrategy[str]:
    return st.text("0123456789abcdefABCDEF", max_size=64)


def maybe(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | strategy


def processes() -> st.SearchStrategy[Process]:
    return st.builds(
        Process,
        image=texts(),
        pid=maybe(counts()),
        uid=maybe(texts()),
        started=maybe(times()),
        command_line=maybe(texts()),
        sha1=maybe(digests()),
    )


def _shared() -> dict[str, st.SearchStrategy]:
    return {
        "time": times(),
        "id": texts(),
        "host": texts().map(lambda host: host or "h1"),
        "process": maybe(processes()),
        "user": maybe(texts()),
        "agent": maybe(st.builds(DeclaredAgent, uid=texts(), instance_uid=texts(), name=texts())),
    }


def events() -> st.SearchStrategy[AnyEvent]:
    """An event of any kind, with its id."""
    kinds = st.one_of(
        st.builds(
            ProcessStarted,
            **_shared(),
            parent=maybe(processes()),
            digest=maybe(digests()),
            signer=maybe(texts()),
            unit=maybe(texts()),
        ),
        st.builds(ProcessEnded, **_shared()),
        st.builds(
            ConnectionOpened,
            **_shared(),
            destination=texts(),
            port=st.integers(0, 65_535),
            address=maybe(texts()),
            protocol=texts(),
            outbound=st.booleans(),
            bytes_out=maybe(counts()),
            bytes_in=maybe(counts()),
            range=maybe(texts()),
        ),
        st.builds(NameResolved, **_shared(), name=texts(), addresses=st.lists(texts(), max_size=4).map(tuple)),
        st.builds(
            ModuleLoaded,
            **_shared(),
            path=texts(),
            digest=maybe(digests()),
            sha1=maybe(digests()),
            signer=maybe(texts()),
        ),
        st.builds(SignatureChecked, **_shared(), digest=digests(), signer=texts()),
        st.builds(
            FileTouched,
            **_shared(),
            path=texts(),
            action=st.sampled_from(["created", "modified", "read", "renamed", "deleted"]),
        ),
        st.builds(
            ToolCalled,
            **_shared(),
            tool=texts(),
            arguments=st.dictionaries(texts(), texts(), max_size=4),
            duration_us=maybe(counts()),
        ),
        st.builds(Heartbeat, **_shared(), observes=maybe(st.lists(texts(), max_size=3).map(tuple))),
    )
    return kinds.map(identified)
