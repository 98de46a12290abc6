"""The gate before the detector itself: what an agent always does passes, what it never did does not."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from leeway.gateway import Cause, Decision, Gate, GatePolicy
from leeway.library.detector import AnomalyDetector

START = datetime(2026, 2, 2, 8, tzinfo=UTC)
TOOLS = ("search", "answer", "look_up")
ACTS_A_DAY = 25


def act(number: int, dice: random.Random, **more: object) -> dict[str, object]:
    day, turn = divmod(number, ACTS_A_DAY)
    return {
        "event_type": "tool_called",
        "timestamp": START + timedelta(days=day, minutes=17 * turn + dice.random() * 6),
        "tool": dice.choice(TOOLS),
        "session_id": f"s{day}",
        "success": True,
        **more,
    }


@pytest.fixture(scope="module")
def gate() -> Iterator[Gate]:
    dice = random.Random(3)  # noqa: S311  # seeded
    detector = AnomalyDetector()
    detector.train("helpdesk", [act(number, dice) for number in range(1000)])
    detector.train("newcomer", [act(number, dice) for number in range(5)])
    with Gate(detector, policy=GatePolicy(time_limit_ms=30_000)) as made:
        yield made


def test_what_it_always_does_is_not_denied(gate: Gate) -> None:
    dice = random.Random(4)  # noqa: S311  # seeded

    async def main() -> Counter[Decision]:
        found: Counter[Decision] = Counter()
        for number in range(1000, 1500):
            checked = await gate.check("helpdesk", act(number, dice, success=None))
            assert checked.is_judged, checked.reason
            found[checked.decision] += 1
            gate.settle(checked, success=True)
        return found

    decisions = asyncio.run(main())
    assert decisions[Decision.DENY] <= 5  # p of HIGH is .001
    assert decisions[Decision.ASK] <= 20


@pytest.mark.parametrize(
    ("agent", "more", "decision", "cause"),
    [
        pytest.param("helpdesk", {"tool": "wire_money"}, Decision.DENY, Cause.LEVEL, id="a tool never used"),
        pytest.param("helpdesk", {"event_type": "shell"}, Decision.DENY, Cause.LEVEL, id="an act never done"),
        pytest.param("helpdesk", {"duration_ms": "long"}, Decision.ASK, Cause.STATE, id="a field that is none"),
        pytest.param("nobody", {}, Decision.ASK, Cause.STATE, id="no model"),
        pytest.param("newcomer", {}, Decision.ALLOW, Cause.STATE, id="too few events"),
        pytest.param("helpdesk", {"timestamp": None, "sequence": 5}, Decision.ALLOW, Cause.LEVEL, id="no time"),
    ],
)
def test_what_it_never_did_is(
    gate: Gate, agent: str, more: dict[str, object], decision: Decision, cause: Cause
) -> None:
    dice = random.Random(5)  # noqa: S311  # seeded
    event = act(1502, dice, session_id="of its own") | more
    checked = gate.check_now(agent, event)
    assert (checked.decision, checked.cause) == (decision, cause), checked.reason
    assert checked.reason
