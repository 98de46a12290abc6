"""What is known of one agent: fitted to its past, asked how far an event departs from it."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from leeway.forest import Forest, Grown, grow
from leeway.library.detection.acts import Act
from leeway.library.detection.features import ASPECT_OF, CONTEXT, RARITIES, features_of, filled, middles
from leeway.library.detection.members import ASPECTS, BEYOND, COUNTED, Columns, Members
from leeway.library.detection.ranking import MOST_ROWS, MOST_SURPRISE, SHARED, UNIT, UNSAID, Ranking, Scale, by_session

Floats = NDArray[np.float64]

FOREST: Final = "forest"
ALONE: Final = "forest alone"
"""What the forest says of an event without those before it: the usual stands for what it does not know."""

TRIMMED: Final = 1.5
"""Of the share that may be bad, how much more is left out: some of what is good departs as far."""

TRIM_SHARED: Final = 1.0
"""What each further nat adds when the worst are sought."""

_WORDS: Final = frozenset({"event_type", "tool", "destination"})
_MOSTLY: Final = 0.5

MOST_TRIMMED: Final = 0.15
"""Largest share of the past that is left out of the fit, however large the contamination."""


class Judgement(Struct, frozen=True, gc=False):
    """How far an act departs, before any verdict."""

    p: float
    shares: dict[str, float]
    """Aspect to its share of the whole departure; the shares sum to 1, or to 0 where nothing departs at all."""
    surprises: dict[str, float]
    """Aspect to its surprise, in nats."""


class Isolation(Struct, frozen=True):
    """The isolation forest, and how an event becomes a row of it."""

    forest: Forest
    usual: list[float]
    """What stands for a feature that an event does not say."""
    mute: list[int]
    """Features that were constant: what departs from a constant is for the other members to say."""
    least: list[tuple[int, float]]
    """Rarities, and the least of them in the past. The past was held out, so what is common is more common now."""

    @classmethod
    def of(cls, forest: Forest, usual: list[float], rows: Sequence[Sequence[float]]) -> "Isolation":
        """Return the isolation by a forest that was grown from `rows`."""
        columns = list(zip(*rows, strict=True))
        lows = [min(column) for column in columns]
        mute = [at for at, column in enumerate(columns) if max(column) == lows[at]]
        usual = [lows[at] if at in mute else one for at, one in enumerate(usual)]
        return cls(forest, usual, mute, [(at, lows[at]) for at in RARITIES])

    def row(self, said: Sequence[float]) -> list[float]:
        """Return the features of an event as the forest reads them."""
        row = filled(said, self.usual)
        for at, low in self.least:
            row[at] = max(row[at], low)
        for at in self.mute:
            row[at] = self.usual[at]
        return row

    def explained(self, said: Sequence[float]) -> tuple[float, list[float]]:
        """Return the isolation score of an event, and the exact contribution of each feature to log2 of it."""
        return self.forest.explain_one(self.row(said))


class AgentModel(Struct, frozen=True):
    """What one agent's past says, and how far its own events departed when they were held out."""

    members: Members
    scales: dict[str, Scale]
    ranking: Ranking
    isolation: Isolation
    events: int
    chances: float = 1.0
    """Events that a session has, on average; 1 where sessions are not told."""

    def judge(self, act: Act, contamination: float) -> Judgement:
        """Return how far an act departs from the agent's past."""
        departures = self.members.departures(act)
        row = features_of(act, self.members, departures)
        score, parts = self.isolation.explained(row)
        departures[FOREST if act.before is not None else ALONE] = score
        scales = self.scales
        surprises = {aspect: scales[aspect].surprise(value) for aspect, value in departures.items() if aspect in scales}
        p = by_session(self.ranking.p(tuple(surprises), list(surprises.values()), contamination), self.chances)
        if p < contamination:
            p = min(p, self._chance(act))
        shares = _shares(surprises)
        spread = shares.pop(FOREST, 0.0) + shares.pop(ALONE, 0.0)
        if spread:
            _spread(shares, spread, row, parts)
        return Judgement(p, shares, surprises)

    def _chance(self, act: Act) -> float:
        """Return how likely the rarest value is that the past never saw; 1 where it saw them all."""
        members = self.members
        values = ((act.kind, members.event_type), (act.tool, members.tool), (act.destination, members.destination))
        unseen = (known.new for value, known in values if known and value is not None and value not in known.counts)
        return min(unseen, default=1.0)

    def can_tell(self, surprises: Collection[str]) -> bool:
        """Say whether anything could be expected of an event with these aspects: not where every value was new."""
        members = self.members
        for aspect in surprises:
            if aspect not in _WORDS:
                if aspect not in {FOREST, ALONE}:
                    return True
            elif (frequency := getattr(members, aspect)) is not None and frequency.new < _MOSTLY:
                return True
        return False


def _shares(surprises: dict[str, float]) -> dict[str, float]:
    """Return the part of each aspect in the statistic, as shares that sum to 1; none where nothing departs."""
    largest = max(surprises, key=surprises.__getitem__)
    parts = {aspect: SHARED * surprise for aspect, surprise in surprises.items() if surprise > 0}
    if not parts:
        return {}
    parts[largest] += surprises[largest]
    whole = sum(parts.values())
    return {aspect: part / whole for aspect, part in parts.items()}


def _spread(shares: dict[str, float], spread: float, row: Sequence[float], parts: Sequence[float]) -> None:
    """Add the forest's share to the aspects of the features that isolate the act, by their exact contributions."""
    found: dict[str, float] = {}
    for value, part, aspect in zip(row, parts, ASPECT_OF, strict=True):
        if part > 0 and value == value:  # noqa: PLR0124  # NaN is not equal to itself
            found[aspect] = found.get(aspect, 0.0) + part
    whole = sum(found.values())
    if not whole:
        shares[FOREST] = spread
    for aspect, part in found.items():
        shares[aspect] = shares.get(aspect, 0.0) + spread * part / whole


def fit(acts: Sequence[Act], *, trim: float, seed: int, chances: float = 1.0) -> AgentModel:
    """Return the model of an agent's past.

    The share `trim` of the past that departs most from the rest is left out of a second fit, so that what somebody
    slipped into it does not become usual; it stays in the ranking.

    Args:
        acts: the past in order.
        trim: the share that may be bad; at most `MOST_TRIMMED` is left out.
        seed: of the forest.
        chances: events that a session has, on average.
    """
    trim = min(TRIMMED * trim, MOST_TRIMMED)
    rare = int(trim * len(acts))
    every = [True] * len(acts)
    members = Members.of(acts, acts, rare)
    columns = members.held_out(acts, every)
    kept = _trimmed(_whole(columns, _scales(columns, every, trim)), int(trim * len(acts)))
    members = Members.of(acts, [act for act, is_kept in zip(acts, kept, strict=True) if is_kept], 0)
    columns = members.held_out(acts, kept)
    isolation, columns[FOREST], columns[ALONE] = _isolation(acts, kept, members, columns, seed)
    scales = _scales(columns, kept)
    return AgentModel(members, scales, Ranking(_rows(columns, scales)), isolation, len(acts), chances)


def _scales(columns: Columns, kept: Sequence[bool], distrusted: float = 0.0) -> dict[str, Scale]:
    scales = {}
    for aspect in ASPECTS:
        column = columns.get(aspect, ())
        if aspect in COUNTED:
            said = [value for value in column if value is not None]
        else:
            said = [value for value, is_kept in zip(column, kept, strict=False) if is_kept and value is not None]
        if said:
            scales[aspect] = Scale.of(said, BEYOND[aspect], distrusted)
    return scales


def _surprises(columns: Columns, scales: dict[str, Scale]) -> dict[str, Floats]:
    """Return what `Scale.surprise` says of whole columns; NaN where an event says nothing."""
    found = {}
    for aspect, scale in scales.items():
        departures = np.array(columns[aspect], dtype=np.float64)
        last = scale.departures[-1]
        inner = np.interp(departures, scale.departures, scale.surprises, left=0.0)
        beyond = np.minimum(MOST_SURPRISE, scale.surprises[-1] + (departures - last) / scale.beyond)
        found[aspect] = np.where(departures > last, beyond, inner)
    return found


def _whole(columns: Columns, scales: dict[str, Scale]) -> list[float]:
    """Return by how much each event departs that may be bad: what is bad on purpose departs in several aspects."""
    rows = np.vstack(list(_surprises(columns, scales).values()))
    whole: list[float] = (np.nanmax(rows, axis=0) + TRIM_SHARED * np.nansum(rows, axis=0)).tolist()
    return whole


def _trimmed(whole: Sequence[float], count: int) -> list[bool]:
    """Return which events are kept when the `count` of them that depart most are left out."""
    order = sorted(range(len(whole)), key=lambda at: (-whole[at], at))
    dropped = {at for at in order[:count] if whole[at] > whole[order[-1]]}
    return [at not in dropped for at in range(len(whole))]


def _isolation(
    acts: Sequence[Act], kept: Sequence[bool], members: Members, columns: Columns, seed: int
) -> tuple[Isolation, list[float | None], list[float | None]]:
    none = [None] * len(acts)
    rows = []
    for act, kind, sequence in zip(acts, columns["event_type"], columns.get("sequence", none), strict=True):
        known = {"event_type": kind, "sequence": sequence}
        rows.append(features_of(act, members, {name: value for name, value in known.items() if value is not None}))
    usual = middles(rows)
    whole = [filled(row, usual) for row in rows]
    left = [row for row, is_kept in zip(whole, kept, strict=True) if is_kept]
    grown = grow(left, seed=seed)
    isolation = Isolation.of(grown.forest, usual, left)
    usual = isolation.usual
    whole = [isolation.row(row) for row in rows]
    alone = [[*row[:CONTEXT], *usual[CONTEXT:]] for row in whole]
    scores = zip(_held_out(grown, whole, kept), acts, strict=True)
    return isolation, [score if act.before else None for score, act in scores], _held_out(grown, alone, kept)


def _held_out(grown: Grown, rows: list[list[float]], kept: Sequence[bool]) -> list[float | None]:
    """Return the score of each row by the trees that did not see its event."""
    inner = [row for row, is_kept in zip(rows, kept, strict=True) if is_kept]
    left = [row for row, is_kept in zip(rows, kept, strict=True) if not is_kept]
    scores = iter(replace(grown, rows=np.array(inner)).held_out.tolist())
    others = iter(grown.forest.score(left).tolist() if left else ())
    return [next(scores if is_kept else others) for is_kept in kept]


def _rows(columns: Columns, scales: dict[str, Scale]) -> dict[str, bytes]:
    """Return the surprises of the past, evenly thinned to `MOST_ROWS`, in sixteenths of a nat."""
    step = max(1.0, len(columns["event_type"]) / MOST_ROWS)
    places = [int(k * step) for k in range(min(MOST_ROWS, len(columns["event_type"])))]
    rows = {}
    for aspect, surprises in _surprises(columns, scales).items():
        picked = surprises[places]
        rounded = np.minimum(UNSAID - 1, np.floor(picked * UNIT + 0.5))
        rows[aspect] = np.where(np.isnan(picked), UNSAID, rounded).astype(np.uint8).tobytes()
    return rows
