"""Summaries that DuckDB groups equal those that the fold adds up event by event."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import IDS, closed, terms
from engine_days import TIGHT, Stretch, stretches
from leeway.agents import Attribution, Hosts
from leeway.config import Caps, Resources
from leeway.engines import DuckDb
from leeway.events import AnyEvent, order
from leeway.pipeline import Terms, World
from leeway.summaries import Bound, summarise

GROUPED = DuckDb(Resources(threads=1), small=0)
BOUNDS = (Bound(Caps(), IDS), Bound(TIGHT, IDS))
EXAMPLES = {("evidence", "daily"): 25, ("evidence", "lasting"): 25, ("all", "lasting"): 34}
"""Stretches tried of each scope and cast; tenfold where the laws are fuzzed.

With those of the batches' own test they come to 500 days.
"""


def attributed(world: World, events: Sequence[AnyEvent], under: Terms) -> tuple[Attribution, list[AnyEvent]]:
    """Return the day's attribution and its events, under the names of their hosts."""
    hosts = Hosts(world.hosts, under.settings.aliases)
    hosts.take_over((key.machine for key in world.registry), {event.host for event in events})
    ordered = sorted(hosts.renamed(events), key=order)
    return Attribution(ordered, world.known(hosts), under.attribution), ordered


def check(stretch: Stretch, seed: int) -> Counter[str]:
    under = terms(settings=stretch.settings)
    world, tried = World(), Counter[str]()
    for day, told in stretch.days:
        events = list({event.id: event for event in reversed(told)}.values())
        attribution, ordered = attributed(world, events, under)
        bound = BOUNDS[seed % 2]
        expected = summarise(day, ordered, attribution, bound)
        found = GROUPED.summarise(day, ordered[::-1] if seed % 3 else ordered, attribution, bound)
        assert found == expected
        assert list(found) == list(expected)
        capped = sum(len(one.capped) for one in expected.values())
        tried.update(
            days=1, agents=len(expected), capped=capped, sessions=sum(len(one.sessions) for one in expected.values())
        )
        world = closed(world, day, trusted=events, under=under).world
    return tried


@pytest.mark.parametrize(("scope", "casts"), EXAMPLES)
def test_grouped_summaries_equal_the_fold(scope: str, casts: str) -> None:
    tried: Counter[str] = Counter()
    tenfold = 10 if settings.default.max_examples > 1_000 else 1

    @settings(max_examples=EXAMPLES[scope, casts] * tenfold)
    @given(stretch=stretches(scope, casts, least=3, most=4), seed=st.integers(0, 5))
    def look(stretch: Stretch, seed: int) -> None:
        tried.update(check(stretch, seed))

    look()
    assert tried["days"] >= 3 * EXAMPLES[scope, casts]
    assert tried["agents"] > 2 * tried["days"]
    assert min(tried["capped"], tried["sessions"]) > 3
