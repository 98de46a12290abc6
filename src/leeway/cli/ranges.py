"""`leeway ranges`."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer

from leeway.cli import options as opt
from leeway.cli.output import echo, echo_json, moment, table
from leeway.destinations import Compiled, RangeTable
from leeway.modes import Directory, open_directory
from leeway.modes.ranges import import_ranges, look_up_range, range_tables, remove_ranges
from leeway.text import display

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

_SHOWN = 10
"""Refused entries that are shown."""

_TableName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the table.")]


@app.callback()
def group() -> None:
    """Name address ranges, by which new destinations are judged."""


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A provider's JSON, a list of networks, a geofeed, a MISP list or an MMDB; gzip, xz."
        ),
    ],
    *,
    output_dir: opt.OutputDir,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name of the table; that of the file by default.")
    ] = None,
    field: Annotated[
        str | None,
        typer.Option("--field", metavar="FIELD", help="What of an entry names its range: service, region, country …"),
    ] = None,
    json: opt.Json = False,
    id_key: opt.IdKeyOption = None,
    wait: opt.Wait = 0.0,
) -> None:
    """Import a table of address ranges, in place of one of the same name.

    Its ranges are called NAME, or NAME/LABEL by what the file calls them. They hold for events that are read from
    then on.
    """
    with _opened(output_dir, id_key, wait, create=True) as directory:
        compiled = import_ranges(directory, file, name=name, field=field, now=opt.now())
    if json:
        echo_json({**_record(compiled.table), "repeated": compiled.repeated, "refused": compiled.reasons})
    else:
        _tell(compiled)


def _tell(compiled: Compiled) -> None:
    known = compiled.table
    names = f"{known.networks:,} networks under {len(known.labels):,} names"
    echo(f"{display(known.name)}: {names}, read as {known.form}; {compiled.repeated:,} repeated")
    for reason, count in sorted(compiled.reasons.items(), key=lambda pair: (-pair[1], pair[0])):
        echo(f"  refused {count:,}: {display(reason)}")
    for one in compiled.refused[:_SHOWN]:
        echo(f"    {display(one.place)}: {display(one.text)}")
    left = sum(compiled.reasons.values()) - _SHOWN
    if left > 0:
        echo(f"    and {left:,} more")


@app.command("list")
def list_(
    output_dir: opt.OutputDir, json: opt.Json = False, id_key: opt.IdKeyOption = None, wait: opt.Wait = 0.0
) -> None:
    """List the imported tables."""
    with _opened(output_dir, id_key, wait) as directory:
        known = range_tables(directory.database)
    if json:
        echo_json([_record(one) for one in known])
    elif known:
        rows = [
            (one.name, f"{one.networks:,}", f"{len(one.labels):,}", one.form, moment(one.imported), one.source)
            for one in known
        ]
        table(("NAME", "NETWORKS", "NAMES", "FORM", "IMPORTED", "FILE"), rows, widths=(64, 12, 12, 20, 20, 60))
    else:
        echo("no table of ranges is imported")


@app.command()
def remove(
    name: _TableName, *, output_dir: opt.OutputDir, id_key: opt.IdKeyOption = None, wait: opt.Wait = 0.0
) -> None:
    """Forget a table; what is stored keeps its names."""
    with _opened(output_dir, id_key, wait) as directory:
        known = remove_ranges(directory, name)
    echo(f"removed {display(known.name)}: {known.networks:,} networks, imported {moment(known.imported)}")


@app.command()
def look_up(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="An IPv4 or IPv6 address.")],
    *,
    output_dir: opt.OutputDir,
    json: opt.Json = False,
    id_key: opt.IdKeyOption = None,
    wait: opt.Wait = 0.0,
) -> None:
    """Say which range an address lies in, the most specific one."""
    with _opened(output_dir, id_key, wait) as directory:
        found = look_up_range(directory, address)
    if json:
        echo_json({"address": address, "range": found})
    else:
        echo(f"{display(address)}: {display(found) if found else 'in no named range'}")


def _opened(
    output_dir: Path, id_key: Path | None, wait: float, *, create: bool = False
) -> AbstractContextManager[Directory]:
    key = opt.id_key(id_key, output_dir)
    return open_directory(output_dir, key, who="leeway ranges", wait_seconds=wait, create=create)


def _record(known: RangeTable) -> dict[str, object]:
    return {
        "name": known.name,
        "networks": known.networks,
        "names": len(known.labels),
        "form": known.form,
        "imported": known.imported,
        "source": known.source,
    }
