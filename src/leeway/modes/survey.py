"""Look at a source without state: its agents, its summaries."""

import tempfile
from collections import Counter, defaultdict
from datetime import date
from itertools import count
from pathlib import Path
from typing import NamedTuple

from leeway.agents import AgentKey, Attribution, Catalogue, FullNames, Hosts, IdKey, Known, catalogue, learnt_names
from leeway.agents import Rules as AttributionRules
from leeway.config import Policy, Settings
from leeway.events import AnyEvent, order
from leeway.modes.batches import Batching, batching
from leeway.modes.event_tables import path_of
from leeway.modes.ingest import require_some
from leeway.modes.request import Progress, quiet
from leeway.pipeline import Terms, Verbs
from leeway.sources import JsonLines, Rejected, Skipped, Source
from leeway.summaries import Summary


class Surveyed(NamedTuple):
    """One agent, or one that fell short of being watched, with the evidence for it."""

    agent: str
    """Agent id; empty where it is not watched."""
    key: AgentKey
    tier: str
    category: str
    evidence: tuple[str, ...]
    instances: int


def survey(
    sources: tuple[Source, ...],
    settings: Settings,
    ids: IdKey,
    progress: Progress = quiet,
    rejected: Counter[str] | None = None,
) -> list[Surveyed]:
    """Return the agents of all events of `sources`, watched ones first, with why each is taken for one.

    What cannot be read is counted in `rejected`, by its reason.

    Raises:
        SourceError: where a source cannot be read, or none of its records.
    """
    entries = catalogue()
    days = _by_day(sources, progress, rejected)
    events = [event for day in days.values() for event in day.values()]
    hosts = Hosts({}, settings.aliases, {event.host for event in events})
    events = list(hosts.renamed(events))
    rules = AttributionRules(entries, settings.scope, settings.caps.shapes, ids)
    attribution = Attribution(sorted(events, key=order), Known({}, {}, {}), rules)
    found: dict[AgentKey, Surveyed] = {}
    for instance in attribution.lineage.instances():
        key, agent = attribution.identity(instance)
        known = found.get(key)
        evidence = instance.evidence | frozenset(known.evidence if known else ())
        if evidence or agent:
            found[key] = Surveyed(
                agent or (known.agent if known else ""),
                key,
                str(entries.tier(evidence, instance.image)),
                entries.category(evidence),
                tuple(sorted(evidence)),
                1 + (known.instances if known else 0),
            )
    declared = {event.agent.uid for event in events if event.agent is not None}
    for uid in declared:
        key = AgentKey(declared=uid)
        found[key] = Surveyed(ids.agent_id(key), key, "agent", "declared", ("declared by its own events",), 0)
    return sorted(found.values(), key=lambda one: (not one.agent, str(one.key)))


def survey_summaries(
    sources: tuple[Source, ...],
    settings: Settings,
    ids: IdKey,
    engine: Verbs,
    progress: Progress = quiet,
    rejected: Counter[str] | None = None,
) -> list[tuple[AgentKey, Summary]]:
    """Return the summary of every agent and day of `sources`, as an engine makes them; ordered by day and agent.

    What cannot be read is counted in `rejected`, by its reason.

    Raises:
        SourceError: where a source cannot be read, or none of its records.
    """
    terms = Terms(ids, settings, Policy(), catalogue(), engine, ())
    whole = _of_files(sources, terms, progress)
    return _folded(sources, terms, progress, rejected) if whole is None else whole


def _of_files(sources: tuple[Source, ...], terms: Terms, progress: Progress) -> list[tuple[AgentKey, Summary]] | None:
    """Return the summaries of sources that an engine can take as whole files; None where it takes them by rows."""
    engine = batching(terms.engine)
    if engine is None or not all(isinstance(source, JsonLines) or path_of(source) for source in sources):
        return None
    files: list[Path] = []
    # Lines are written there as columns, without secrets.
    with tempfile.TemporaryDirectory(prefix="leeway-") as folder:
        for number, source in enumerate(sources):
            progress(f"taking {source.uri}", number)
            file = _file_of(source, engine, Path(folder) / str(number))
            if file is None:
                return None
            files.append(file)
        return engine.summarise_files(files, terms)


def _file_of(source: Source, engine: Batching, draft: Path) -> Path | None:
    """Return the file of a source's events; None where reading it row by row would refuse or change some."""
    if isinstance(source, JsonLines) and engine.write_lines(source.place, draft) is None:
        return None
    file = path_of(source) or draft
    look = engine.look_at(file)
    return file if look.rows and not look.flaws else None


def _folded(
    sources: tuple[Source, ...], terms: Terms, progress: Progress, rejected: Counter[str] | None
) -> list[tuple[AgentKey, Summary]]:
    """Return the summaries of all events, read row by row."""
    settings, engine = terms.settings, terms.engine
    known = Known({}, {}, {})
    hosts: dict[str, FullNames] = {}
    rows: list[tuple[AgentKey, Summary]] = []
    for day, events in sorted(_by_day(sources, progress, rejected).items()):
        named = Hosts(hosts, settings.aliases, {event.host for event in events.values()})
        hosts = learnt_names(hosts, settings.aliases, {event.host for event in events.values()})
        ordered = sorted(named.renamed(events.values()), key=order)
        attribution = Attribution(ordered, known, terms.attribution)
        summaries = engine.summarise(day, ordered, attribution, terms.bound)
        names = {agent: key for key, agent in sorted(attribution.registry.items(), key=lambda pair: repr(pair[0]))}
        rows += [(names[agent], summaries[agent]) for agent in sorted(summaries)]
        carried = {one.key: one for one in attribution.lineage.instances()}
        known = Known(
            {**known.instances, **carried},
            {**known.signers, **attribution.learnt_signers(ordered)},
            {**known.registry, **attribution.registry},
            named.short_of,
        )
    return rows


def describe(entries: Catalogue, evidence: str) -> str:
    """Return what one piece of evidence says, by what it was known and how much it weighs."""
    entry = entries.describe(evidence)
    return f"{entry.label}, by its {str(entry.kind).replace('_', ' ')} (weight {entry.weight})"


def _by_day(
    sources: tuple[Source, ...], progress: Progress, rejected: Counter[str] | None
) -> dict[date, dict[str, AnyEvent]]:
    days: dict[date, dict[str, AnyEvent]] = defaultdict(dict)
    refused: Counter[str] = Counter()
    read = count(1)
    for source in sources:
        for _, record in source.read():
            progress(f"reading {source.uri}", next(read))
            if isinstance(record, Rejected):
                refused[record.reason] += 1
            elif not isinstance(record, Skipped):
                # Of several events with one id the first is believed, as everywhere.
                days[record.time.date()].setdefault(record.id, record)
    if rejected is not None:
        rejected.update(refused)
    require_some(refused, is_empty=not days)
    return days
