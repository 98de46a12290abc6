"""Write docs/sources.md from the sources themselves."""

import inspect
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from leeway.detectors import ALL
from leeway.modes.observability import SIDES
from leeway.sources import SOURCES, SourceKind, can_observe
from leeway.sources import column_map as column_maps

PAGE = Path(__file__).resolve().parent.parent / "docs" / "sources.md"

NEVER = "\N{EN DASH}"
"""Mark of what no record of a kind shows."""

SENSOR = "On the sensor:"
"""What starts the part of a module's docstring that is for whoever runs the sensor."""

HEAD = """\
# Sources

What Leeway reads, what each feed can show, and what has to be switched on where it comes from. Made from the sources'
docstrings by `make docs`; a test holds it to them. `leeway sources` lists the kinds, and `leeway sources URI` says of
your own files what was seen in them, what was not seen, and what this sensor cannot show.

## What to give

`--source URI`, as often as needed, or the URI alone.

| URI | reads |
|---|---|
| `events.jsonl` | a file; of which kind it is, its first 200 lines tell (of a binary file its first 4 KiB) |
| `/var/log/telemetry` | a folder, in depth: the files that the kinds' patterns name, in the order of their paths |
| `"logs/2026-03-*/*.json"` | a glob; `**` stands for folders in depth |
| `-` | standard input; it is copied to disk first, because it is read more than once |
| `KIND:URI` | all of it as of that kind, of a folder what its patterns name: `falco:alerts.txt`, `jsonl:-` |

- **Compression.** gzip, xz and Zstandard are told by their first bytes, whatever the file is called. A folder is
  searched for `.gz`, `.xz` and `.zst` behind the patterns' names as well. Zstandard needs an extra.
- **Rotation.** A folder is searched for rotated logs too: `.1`, `-20260302`, `.20260302-090000` behind a name,
  compressed or not. They are read before the log that followed them. Links to folders are not followed. What no pattern
  names is passed over, and `leeway sources FOLDER` says so.
- **A record that cannot be read** is refused, counted, and kept with its position and the reason; the rest goes on.
  One of no use is counted as such. A file of no known kind is refused as a whole among others, and is an error alone:
  the message says what it is and how to make it one that is read. A JSON array, for one, is split by
  `jq -c '.[]' FILE`.
- **Again.** The position in each file is kept with a mark of how the file starts: one that has grown is read from
  there, one that was replaced is read anew, and so is standard input. Events that are known by their id count once.
- **`--map FILE`** says what the columns of a renamed table of Defender are called ([below](#column-maps)). In a folder
  it holds for the files that have the columns it names; a table with Microsoft's own names is read without it, and
  `defender:URI` takes it for every file.
- **`--host NAME`** names the host of logs that do not say it: auditd's, where `name_format` is not set.
  `leeway sources` says where one is needed.
- **`--aliases FILE`** says which names are one host. A short name, a full one and any case are one already; where two
  full names start alike it is in doubt, nothing is merged, and the run says so. The file is TOML, and is remembered in
  the output directory until another one is given:

      [hosts]
      "build7.example.org" = ["ci-7", "10.0.0.7"]

| extra | for |
|---|---|
| `pip install 'agent-leeway[evtx]'` | `.evtx` files |
| `pip install 'agent-leeway[zstd]'` | Zstandard, below Python 3.14 |
| `pip install 'agent-leeway[host]'` | [`leeway snapshot`](snapshot.md) on systems other than Linux |
| `pip install 'agent-leeway[geo]'` | [ranges](ranges.md) out of MMDB files |

Parquet needs none.
"""

TABLE = f"""\

## What each can show

*yes*: some record of this kind can show it. *{NEVER}*: none can, so that silence there is not quiet. A file may show
less than its kind, where the sensor was told less or the file holds one table of several. The questions that are asked
of it: [detectors](detectors.md).

"""

BLIND = """\

**Blind by kind.** A detector is blind where nothing that it reads can be shown, and blind in part where some cannot.
"""

MAPS = """\

## Column maps

"""


def page(kinds: Iterable[SourceKind] = SOURCES) -> str:
    """Return the page."""
    listed = tuple(kinds)
    parts = (HEAD, TABLE, _table(listed), BLIND, *_blind(listed), *map(_section, listed), MAPS, _column_maps())
    return "".join(parts)


def _table(kinds: tuple[SourceKind, ...]) -> str:
    rows = [["", *(f"[{kind.name}](#{kind.name})" for kind in kinds)], ["---", *(":-:" for _ in kinds)]]
    rows += [[f"`{side}`", *("yes" if side in can_observe(kind) else NEVER for kind in kinds)] for side in SIDES]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _blind(kinds: tuple[SourceKind, ...]) -> Iterator[str]:
    yield "\n| kind | blind | blind in part |\n|---|---|---|\n"
    for kind in kinds:
        wholly, partly = [], []
        for detector in ALL:
            hidden = [side for side in detector.facets if side not in can_observe(kind)]
            if hidden and len(hidden) == len(detector.facets):
                wholly.append(f"`{detector.name}`")
            elif hidden:
                partly.append(f"`{detector.name}` ({', '.join(hidden)})")
        yield f"| {kind.name} | {', '.join(wholly) or 'none'} | {', '.join(partly) or 'none'} |\n"
    for kind in kinds:
        if reason := getattr(kind, "partial", ""):
            yield f"\n`{kind.name}` gives hints ({reason}): a *yes* there is no promise.\n"


def _section(kind: SourceKind) -> str:
    question, _, told = (inspect.getdoc(inspect.getmodule(kind)) or "").partition("\n")
    about, _, sensor = told.strip().partition(SENSOR)
    recognised = (inspect.getdoc(kind.recognises) or "").partition("\n")[0].removeprefix("Say whether ")
    facts = (
        f"- Recognised where {recognised}\n"
        f"- Searched for in a folder: {', '.join(f'`{pattern}`' for pattern in kind.patterns)}.\n"
    )
    parts = (f"*{question}*", about.strip(), inspect.getdoc(kind) or "", facts.strip())
    switched = f"\n### On the sensor of {kind.name}\n\n{_sentence(sensor)}\n" if sensor else ""
    return f"\n## {kind.name}\n\n" + "\n\n".join(filter(None, parts)) + "\n" + switched


def _sentence(text: str) -> str:
    bare = text.strip()
    return bare[:1].upper() + bare[1:]


def _column_maps() -> str:
    told = (inspect.getdoc(column_maps) or "").partition("\n")[2].strip()
    return f"{told}\n\nA real one: [mde_msticpy.toml](../examples/maps/mde_msticpy.toml).\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE.name}\n")
