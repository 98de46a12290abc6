"""Which agents sent so much that `excess_transfer` has to look at them: a bound that its limit is never below."""

from typing import TYPE_CHECKING, Final

from leeway.baselines.promotion import HOURLY_MOST
from leeway.baselines.rates import DEVIATIONS, FLOOR, WINDOW
from leeway.events import Measure

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SLACK: Final = 1 - 1e-6
"""Two ways to a median in floating point may differ by a little."""

_SPREAD: Final = DEVIATIONS * FLOOR


def unusual_transfers(session: "DuckDBPyConnection", day: int) -> set[int]:
    """Return the agents that sent more on `day` (an ordinal) than the least that could be their limit.

    The limit is 2^(median + 6·max(MAD, floor)) of log2(1 + amount), so 2^(median + 6·floor) is no more than it. Agents
    without history are returned as well.
    """
    rows = session.execute(
        "WITH sent AS (SELECT agent, hour, out_total AS total FROM totals "
        f"WHERE day = {day} AND out_n > 0), "
        f"past AS (SELECT agent, day, hour, least(sum(total), {HOURLY_MOST}) AS total "
        "FROM hourly SEMI JOIN sent USING (agent) "
        f"WHERE measure = '{Measure.BYTES_OUT}' AND day < {day} GROUP BY agent, day, hour "
        f"QUALIFY dense_rank() OVER (PARTITION BY agent ORDER BY day DESC) <= {WINDOW}), "
        "hours AS (SELECT agent, median(log2(1 + total::DOUBLE)) AS centre FROM past GROUP BY agent), "
        "days AS (SELECT agent, median(log2(1 + total)) AS centre FROM "
        "(SELECT agent, day, sum(total)::DOUBLE AS total FROM past GROUP BY agent, day) GROUP BY agent) "
        "SELECT s.agent FROM (SELECT agent, max(total) AS most, sum(total) AS total FROM sent GROUP BY agent) s "
        "LEFT JOIN hours h USING (agent) LEFT JOIN days d USING (agent) WHERE h.centre IS NULL "
        f"OR s.most > pow(2, least(h.centre + {_SPREAD}, 62)) * {_SLACK} - 2 "
        f"OR s.total > pow(2, least(d.centre + {_SPREAD}, 62)) * {_SLACK} - 2"
    ).fetchall()
    return {row[0] for row in rows}
