"""What a source makes of a golden input, one line a record; run as a script it writes the expected file anew.

    python tests/sources/make_golden.py leeway.sources.sysmon:Sysmon tests/sources/golden/sysmon

Read the difference before committing it.
"""

import json
import sys
from pathlib import Path
from pkgutil import resolve_name

from leeway.sources import Place, Rejected, Skipped, Source, SourceKind, write_event


def written(source: Source) -> str:
    """Return each record as a line: an event as it is stored, else its position with the reason."""
    lines = []
    for position, record in source.read():
        if isinstance(record, Rejected | Skipped):
            kind = "rejected" if isinstance(record, Rejected) else "skipped"
            lines.append(json.dumps({kind: record.reason, "position": position}) + "\n")
        else:
            lines.append(write_event(record).decode())
    return "".join(lines)


def golden(kind: SourceKind, folder: Path) -> tuple[str, str]:
    """Return what `kind` makes of the input in `folder`, and what it is expected to."""
    (place,) = sorted(folder.glob("input.*"))
    expected = folder / "expected.jsonl"
    return written(kind(Place(place, place.name))), expected.read_text("utf-8") if expected.exists() else ""


def main(kind: str, folder: str) -> None:
    (Path(folder) / "expected.jsonl").write_text(golden(resolve_name(kind), Path(folder))[0], "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
