"""The columns that are read of each table, by Microsoft's names, and how the cells of one row are understood.

Names and meanings: Microsoft's references of the advanced hunting schema, of the streaming API, and of the
SecurityEvent table of Azure Monitor.
"""

import re
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Final

from msgspec import Struct

from leeway.errors import InvalidEventError

_INITIATOR: Final = frozenset(
    f"InitiatingProcess{part}"
    for part in "FileName FolderPath Id CommandLine CreationTime UniqueId SHA1 AccountDomain AccountName".split()  # noqa: SIM905  # reads as a list
)
_SHARED: Final = frozenset({"Timestamp", "DeviceName", "ActionType", "Type"})
_FILE: Final = frozenset({"FileName", "FolderPath", "SHA1", "SHA256"})

TABLES: Final[dict[str, frozenset[str]]] = {
    "DeviceProcessEvents": _SHARED
    | _INITIATOR
    | _FILE
    | {"ProcessId", "ProcessCommandLine", "ProcessCreationTime", "ProcessUniqueId", "AccountDomain", "AccountName"},
    "DeviceNetworkEvents": _SHARED
    | _INITIATOR
    | {"RemoteIP", "RemotePort", "RemoteUrl", "LocalPort", "Protocol", "AdditionalFields"},
    "DeviceImageLoadEvents": _SHARED | _INITIATOR | _FILE,
    "DeviceFileEvents": _SHARED | _INITIATOR | _FILE,
    "DeviceFileCertificateInfo": frozenset(
        {"Timestamp", "DeviceName", "Type", "SHA1", "IsSigned", "IsTrusted", "Signer"}
    ),
    "DeviceEvents": _SHARED | _INITIATOR | {"AdditionalFields"},
    "SecurityEvent": frozenset(
        {
            "Timestamp",
            "Type",
            "Computer",
            "EventID",
            "CommandLine",
            "NewProcessId",
            "NewProcessName",
            "ParentProcessName",
            "ProcessId",
            "ProcessName",
            "SubjectDomainName",
            "SubjectUserName",
            "TargetDomainName",
            "TargetUserName",
        }
    ),
}
"""The tables, each with those of its columns that are read."""

COLUMNS: Final = frozenset().union(*TABLES.values())
"""Every column that is read."""

OTHER_NAMES: Final = {"TimeGenerated": "Timestamp", "$table": "Type", "category": "Type", "Category": "Type"}
"""How Azure Monitor, a Kusto union and the streaming API name what has another name here."""

UTC_CAPTION: Final = " [UTC]"
"""What the portals put behind the names of columns of times, and only there, for times that they write without zone."""

_TIME_LIMIT: Final = 64
"""Characters of a time."""

_PORTAL: Final = re.compile(
    "([0-9]{1,2})/([0-9]{1,2})/([0-9]{4}), ([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:[.]([0-9]{1,7}))?[ \u202f]([AP])M"
)
"""Month first, as the Azure portal exports to CSV: `6/23/2021, 3:08:14.146 AM`."""

_ZONE_HINT: Final = f"[times] zone of a column map (--map FILE.toml) says it, or{UTC_CAPTION} behind the column's name"
"""How to give a zone to times without one."""

_NUMBER: Final = re.compile("(0[xX][0-9a-fA-F]{1,16})|([0-9]{1,19})(?:[.]0*)?")
"""Data frames write whole numbers of columns with gaps as `443.0`."""

_UNIQUE: Final = re.compile("[0-9A-Za-z{}-]{1,256}")
"""Ids of processes; one that a data frame rounded (`1.15e+16`) is none, for it stands for several."""

_EXACT: Final = 2**53
"""Below it floating point tells whole numbers apart."""

_NO_TIME_BEFORE: Final = 1970
"""Years before mean that the sensor did not know: 0001 and 1601 are the zeros of .NET and of Windows."""


class Clock(Struct, frozen=True):
    """What times without a zone mean in one file; None where nothing says."""

    iso: tzinfo | None
    """Of times as `2021-06-23T03:08:14`: UTC by the documentation of Kusto, where no map says otherwise."""
    portal: tzinfo | None
    """Of times as `6/23/2021, 3:08:14 AM`: the portals write them in the zone of whoever looks."""
    captioned: frozenset[str] = frozenset()
    """Columns of which the portal wrote that they are UTC."""


class Cells:
    """The cells of one row, by Microsoft's names of the columns."""

    __slots__ = ("_clock", "values")

    def __init__(self, values: dict[str, object], clock: Clock) -> None:
        self.values = values
        self._clock = clock

    def text(self, name: str) -> str:
        """Return a cell as text; empty where it is absent."""
        value = self.values.get(name)
        if value is None:
            return ""
        return value if isinstance(value, str) else _spelt(name, value)

    def needed(self, name: str) -> str:
        """Return a cell as text.

        Raises:
            InvalidEventError: where it is empty.
        """
        value = self.text(name)
        if not value:
            raise InvalidEventError(f"no {name}")
        return value

    def number(self, name: str) -> int | None:
        """Return a whole number, in decimal or as `0x1f4`; None where the cell is empty.

        Raises:
            InvalidEventError: where it holds something else.
        """
        spelt = self.text(name)
        if not spelt:
            return None
        match = _NUMBER.fullmatch(spelt)
        if match is None:
            raise InvalidEventError(f"{name} {spelt[:40]!r} is no number")
        return int(match[1], 16) if match[1] else int(match[2])

    def truth(self, name: str) -> bool:
        """Say whether a flag is set: `true`, `True`, `1` or JSON's own."""
        return self.text(name).casefold() in {"true", "1"}

    def unique(self, name: str) -> str | None:
        """Return an id of a process; None where it is absent, or was rounded on its way through a data frame."""
        spelt = self.text(name)
        return spelt if spelt != "0" and _UNIQUE.fullmatch(spelt) else None

    def time(self, name: str = "Timestamp") -> datetime:
        """Return a time, zoned; digits beyond the microsecond are cut off, everywhere alike.

        Raises:
            InvalidEventError: where there is none, or none with a zone.
        """
        value = self.values.get(name)
        time, portal = (value, False) if isinstance(value, datetime) else _parsed(name, self.needed(name))
        if time.tzinfo is not None:
            return time
        zone = self._clock.portal if portal else self._clock.iso
        if name in self._clock.captioned:
            zone = UTC
        if zone is None:
            raise InvalidEventError(f"{name} has no zone: {_ZONE_HINT}")
        return time.replace(tzinfo=zone)

    def shown(self) -> str:
        """Return the row as text for people, without what is nested in it."""
        return " ".join(
            f"{name}={value if isinstance(value, str) else _spelt(name, value)}"
            for name, value in self.values.items()
            if isinstance(value, str | int | float | datetime) and value != ""
        )

    def started(self, name: str) -> datetime | None:
        """Return when a process started; None where the sensor did not know."""
        time = self.time(name) if self.values.get(name) else None
        return None if time is None or time.year < _NO_TIME_BEFORE else time


def _spelt(name: str, value: object) -> str:
    """Return a cell that is not text as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < _EXACT else repr(value)
    if isinstance(value, int):
        return str(value) if -(1 << 63) < value < 1 << 64 else f"{value:#x}"[:_TIME_LIMIT]
    if isinstance(value, datetime):
        return value.isoformat()
    raise InvalidEventError(f"{name} is neither text nor a number")


def _parsed(name: str, text: str) -> tuple[datetime, bool]:
    """Return (time, whether it is in a portal's form)."""
    try:
        return _time(text[:_TIME_LIMIT])
    except ValueError as error:
        raise InvalidEventError(f"{name} {text[:40]!r} is no time") from error


@lru_cache(maxsize=8_192)
def _time(text: str) -> tuple[datetime, bool]:
    match = _PORTAL.fullmatch(text)
    if match is None:
        if text[4:5] != "-":  # ISO 8601's short forms are numbers of something else here
            raise ValueError(text)
        return datetime.fromisoformat(text), False
    month, day, year, hour, minute, second = (int(part) for part in match.groups()[:6])
    microsecond = int((match[7] or "0").ljust(6, "0")[:6])
    if not 1 <= hour <= 12:  # noqa: PLR2004  # hours of half a day
        raise ValueError(text)
    return datetime(year, month, day, hour % 12 + 12 * (match[8] == "P"), minute, second, microsecond), True  # noqa: DTZ001  # the caller knows the zone
