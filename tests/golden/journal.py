"""Write small histories by hand: one event a line, ids that count up, a made-up host in March 2025."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from leeway.events import (
    AnyEvent,
    ConnectionOpened,
    FileTouched,
    ModuleLoaded,
    Process,
    ProcessEnded,
    ProcessStarted,
)
from leeway.sources import write_event

FIRST_DAY = datetime(2025, 3, 3, tzinfo=UTC)
"""A Monday: day 1. Days 1 to 7 are learnt in most stories, day 8 is the next Monday."""


def at(day: int, clock: str) -> datetime:
    """Return the instant of a clock time (`09:05` or `09:05:30`, UTC) on a day; 1 is the first."""
    hours, minutes, *seconds = map(int, clock.split(":"))
    return FIRST_DAY + timedelta(days=day - 1, hours=hours, minutes=minutes, seconds=seconds[0] if seconds else 0)


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


class Journal:
    """Events in the order in which they are written down."""

    def __init__(self, host: str = "desk", user: str = "ana", prefix: str = "e") -> None:
        self.events: list[AnyEvent] = []
        self._host = host
        self._user = user
        self._prefix = prefix
        self._runs = 0

    def _shared(self, time: datetime, process: Process, user: str | None) -> dict[str, object]:
        return {
            "id": f"{self._prefix}{len(self.events) + 1:04d}",
            "time": time,
            "host": self._host,
            "process": process,
            "user": user or self._user,
        }

    def start(
        self,
        time: datetime,
        line: str,
        parent: Process | None = None,
        *,
        user: str | None = None,
        unit: str | None = None,
    ) -> Process:
        """Start a process and return it as later events name it."""
        self._runs += 1
        image = f"/usr/bin/{line.partition(' ')[0]}"
        run = Process(image=image, uid=f"{self._prefix}-run-{self._runs}", pid=100 + self._runs, command_line=line)
        self.events.append(ProcessStarted(**self._shared(time, run, user), parent=parent, unit=unit))
        return Process(image=image, uid=run.uid)

    def end(self, time: datetime, process: Process) -> None:
        self.events.append(ProcessEnded(**self._shared(time, process, None)))

    def connect(
        self, time: datetime, process: Process, destination: str, port: int = 443, *, sent: int | None = 4_000
    ) -> None:
        shared = self._shared(time, process, None)
        self.events.append(ConnectionOpened(**shared, destination=destination, port=port, bytes_out=sent))

    def load(self, time: datetime, process: Process, path: str, content: str = "") -> None:
        known = digest(content) if content else None
        self.events.append(ModuleLoaded(**self._shared(time, process, None), path=path, digest=known))

    def touch(
        self, time: datetime, process: Process, path: str, action: str = "modified", *, user: str | None = None
    ) -> None:
        self.events.append(FileTouched(**self._shared(time, process, user), path=path, action=action))


def lines(events: Iterable[AnyEvent]) -> bytes:
    """Return the events as JSON lines."""
    return b"".join(map(write_event, events))


ROOT = Process(image="/usr/lib/systemd/systemd", uid="root", pid=1)


def bot_day(journal: Journal, day: int) -> Process:
    """Write an ordinary day of a Python agent: two calls, a library, a child, a file; return the agent's process."""
    bot = journal.start(at(day, "09:00"), "python3 /opt/bot/agent.py", ROOT)
    journal.load(at(day, "09:01"), bot, "/opt/bot/lib/_tiktoken.abi3.so", "tiktoken")
    journal.connect(at(day, "09:02"), bot, "api.openai.com")
    journal.connect(at(day, "11:15"), bot, "api.openai.com", sent=5_200)
    git = journal.start(at(day, "11:20"), "git status", bot)
    journal.end(at(day, "11:21"), git)
    journal.touch(at(day, "11:30"), bot, "/srv/bot/work/notes.md")
    journal.touch(at(day, "14:30"), bot, "/srv/bot/work/plan.md")
    journal.end(at(day, "18:00"), bot)
    return bot


def bot_week(journal: Journal, days: Iterable[int] = range(1, 8)) -> None:
    """Write the week that most stories learn from."""
    for day in days:
        bot_day(journal, day)
