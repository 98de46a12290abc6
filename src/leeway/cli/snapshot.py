"""`leeway snapshot`."""

import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from leeway.cli.options import now
from leeway.cli.output import echo_raw
from leeway.errors import InvalidConfigError, StateError
from leeway.sources import write_event
from leeway.sources.host_snapshot import Snapshot, take_snapshot
from leeway.storage import append_whole, write_whole
from leeway.text import display

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_HOST_LENGTH = 1_024
_STDOUT = "-"


@app.command()
def command(
    output: Annotated[
        str, typer.Option("--output", metavar="FILE", help="Where the events go; - is stdout.")
    ] = _STDOUT,
    append: Annotated[bool, typer.Option("--append", help="Add to the file; without, it is replaced.")] = False,
    host: Annotated[
        str | None, typer.Option("--host", metavar="NAME", help="Name of this host in the events; its own by default.")
    ] = None,
    digests: Annotated[
        bool, typer.Option("--digests", help="Read executables and modules for their SHA-256, up to 256 MiB each.")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="Write as JSON what was and was not seen; else it is on stderr."),
    ] = None,
) -> None:
    """Write what runs on this host now, as events.

    Processes with their lineage, connections, loaded modules, service units and containers, as Leeway's own JSON lines.
    Needs no rights, and says what it could not see. Taken again, what is known keeps its id, so that the files may be
    read one after the other.
    """
    name = socket.gethostname() if host is None else host
    if not name.strip() or len(name) > _HOST_LENGTH:
        raise InvalidConfigError("the host has no name that can be used", hint="give one with --host")
    if append and output == _STDOUT:
        raise InvalidConfigError("--append needs a file", hint="give one with --output FILE")
    taken = take_snapshot(now(), host=name, takes_digests=digests)
    content = b"".join(map(write_event, taken.events))
    if output == _STDOUT:
        echo_raw(content)
    elif append:
        _add(Path(output), content)
    else:
        write_whole(Path(output), content)
    if report is None:
        _tell(taken)
    else:
        write_whole(report, _as_json(taken, name))


def _add(path: Path, content: bytes) -> None:
    """Add lines to a file.

    Raises:
        StateError: where the disk does not take them.
    """
    try:
        append_whole(path, content)
    except OSError as error:
        raise StateError(
            f"cannot write {path}: {error.strerror}", hint="is there space, and may you write here?"
        ) from error


def _as_json(taken: Snapshot, host: str) -> bytes:
    told = {
        "host": host,
        "events": len(taken.events),
        "seen": taken.seen,
        "left_out": taken.left_out,
        "unseen": taken.unseen,
    }
    return msgspec.json.format(msgspec.json.encode(told, order="sorted"), indent=2) + b"\n"


def _tell(taken: Snapshot) -> None:
    seen = ", ".join(f"{count:,} {what}" for what, count in taken.seen.items())
    lines = [f"snapshot: {len(taken.events):,} events of {seen}"]
    lines += [*_listed("left out", taken.left_out), *_listed("not seen", taken.unseen)]
    sys.stderr.write("".join(f"{display(line)}\n" for line in lines))


def _listed(label: str, counts: Mapping[str, int]) -> list[str]:
    return [f"  {label}: {count:,} {reason}" for reason, count in counts.items()]
