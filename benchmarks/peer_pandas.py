"""The same job with pandas, as one writes it in a notebook: what is new in the second file beside the first.

    python benchmarks/peer_pandas.py LEARN.parquet JUDGE.parquet

A subset of what `peer.sql` makes: per agent, day, facet and value the count, first and last; no hour masks, no
exemplars, no facets of model files, byte sums per day and destination only. Names are made of distinct values, never of
rows.
"""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

import pandas as pd  # type: ignore[import-not-found,import-untyped,unused-ignore]  # in requirements/bench.txt

Shown = tuple[str, pd.DataFrame, pd.Series]
"""Facet, the rows that show it, and its value in each."""

AGENTS = {"claude", "codex", "gemini", "opencode", "aider"}
COLUMNS = [
    *("kind", "time", "id", "host", "user", "process_image", "process_uid", "process_command_line", "parent_uid"),
    *("destination", "port", "address", "bytes_out", "bytes_in", "name", "path", "digest"),
]
LEVELS = 4
"""How deep below an agent its children are looked for."""

_CHANGING = re.compile(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|\b[0-9a-fA-F]{8,}\b|[0-9]+"
)
_ADDRESS = re.compile(r"[0-9.]+")


def shape(text: str) -> str:
    """Return a text with ids and numbers blanked."""
    return _CHANGING.sub("#", text)


def base_name(path: str) -> str:
    """Return what follows the last slash, lower case."""
    return path.rpartition("/")[2].lower()


def network(address: str) -> str:
    """Return the /24 of an IPv4 address."""
    return address.rpartition(".")[0] + ".0/24"


def registrable(host: str) -> str:
    """Return the last two labels of a host name, or the address itself."""
    return host if _ADDRESS.fullmatch(host) else ".".join(host.split(".")[-2:])


def mapped(column: pd.Series, function: Callable[[str], str]) -> pd.Series:
    """Return the function of a column, called once for each distinct value."""
    return column.map({value: function(value) for value in column.dropna().unique()})


def attributed(events: pd.DataFrame) -> pd.DataFrame:
    """Return the events below an agent with the agent's name and the UTC day."""
    starts = events.loc[events["kind"] == "process_started", ["host", "process_uid", "parent_uid", "process_image"]]
    starts = starts.assign(name=mapped(starts["process_image"], base_name))
    found = starts[starts["name"].isin(AGENTS)].assign(is_child=False)
    found["agent"] = found["host"] + " " + found["name"]
    levels = [found[["host", "process_uid", "agent", "is_child"]]]
    children = starts[["host", "process_uid", "parent_uid"]]
    for _ in range(LEVELS):
        above = levels[-1].rename(columns={"process_uid": "parent_uid"})
        below = children.merge(above, on=["host", "parent_uid"]).assign(is_child=True)
        levels.append(below[["host", "process_uid", "agent", "is_child"]])
    owned = pd.concat(levels).drop_duplicates(["host", "process_uid"])
    events = events.merge(owned, on=["host", "process_uid"])
    events["day"] = events["time"].dt.floor("D")
    return events


def of_starts(starts: pd.DataFrame) -> Iterator[Shown]:
    """Yield what starts of children show."""
    starts = starts[starts["is_child"]]
    program = mapped(starts["process_image"], base_name)
    yield "child", starts, program
    yield "child_arguments", starts, program + " " + mapped(starts["process_command_line"], shape)


def of_flows(flows: pd.DataFrame, names: pd.DataFrame) -> Iterator[Shown]:
    """Yield what connections and resolved names show."""
    place = mapped(flows["destination"], registrable)
    port = flows["port"].astype(str)
    address = flows["address"].fillna(flows["destination"])
    yield "destination", flows, flows["destination"]
    yield "registrable_domain", flows, place
    yield "domain_port", flows, place + " " + port
    yield "port", flows, port
    yield "ip", flows, address
    yield "network", flows, mapped(address, network)
    yield "destination", names, names["name"]
    yield "registrable_domain", names, mapped(names["name"], registrable)


def of_paths(modules: pd.DataFrame, files: pd.DataFrame) -> Iterator[Shown]:
    """Yield what loaded modules and touched files show."""
    shapes = mapped(files["path"], shape)
    yield "module", modules, mapped(modules["path"], base_name)
    yield "module_digest", modules, modules["digest"]
    yield "file", files, shapes
    yield "directory", files, mapped(shapes, lambda path: path.rpartition("/")[0])
    yield "tree", files, mapped(shapes, lambda path: "/".join(path.split("/")[:4]))


def values(events: pd.DataFrame) -> pd.DataFrame:
    """Return one row for every agent, day, facet and value: count, first, last."""
    kind = dict(iter(events.groupby("kind", sort=False)))
    shown = chain(
        of_starts(kind["process_started"]),
        of_flows(kind["connection_opened"], kind["name_resolved"]),
        of_paths(kind["module_loaded"], kind["file_touched"]),
        [("user", events, events["user"]), ("hour", events, events["time"].dt.hour)],
    )
    return pd.concat(counted(facet, rows, value) for facet, rows, value in shown)


def counted(facet: str, rows: pd.DataFrame, value: pd.Series) -> pd.DataFrame:
    """Return count, first and last of each value on each day of each agent."""
    rows = rows[["agent", "day", "time"]].assign(value=value)
    grouped = rows.groupby(["agent", "day", "value"], sort=False)["time"].agg(["size", "min", "max"])
    return grouped.reset_index().assign(facet=facet)


def transfers(events: pd.DataFrame) -> pd.DataFrame:
    """Return bytes by agent, day and destination."""
    flows = events[events["kind"] == "connection_opened"]
    place = mapped(flows["destination"], registrable).rename("place")
    return flows.groupby(["agent", "day", place])[["bytes_out", "bytes_in"]].agg(["count", "sum", "max"])


def week(file: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the values and the transfers of one file."""
    events = attributed(pd.read_parquet(file, columns=COLUMNS).drop_duplicates("id"))
    return values(events), transfers(events)


def main(argv: Sequence[str]) -> int:
    """Print how many values of the second file are not established in the first."""
    learn, judge = argv
    learnt, _ = week(learn)
    baseline = learnt.groupby(["agent", "facet", "value"]).agg(days=("day", "nunique"), n=("size", "sum")).reset_index()
    known = baseline[(baseline["days"] >= 3) & (baseline["n"] >= 5)]  # noqa: PLR2004  # the default profile
    judged, _ = week(judge)
    beside = judged.merge(
        known[["agent", "facet", "value"]], how="left", on=["agent", "facet", "value"], indicator=True
    )
    print(f"{len(baseline):,} values learnt, {(beside['_merge'] == 'left_only').sum():,} not established")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
