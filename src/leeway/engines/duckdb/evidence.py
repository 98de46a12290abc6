"""What speaks for an AI agent, asked of distinct values and joined back to the instances that showed them."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from leeway.agents import Catalogue, Signers
from leeway.engines.duckdb.session import insert

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_Ids = frozenset[str]


class _Question(NamedTuple):
    """One kind of evidence: which acts show it, by which columns, and what the catalogue says of those."""

    name: str
    rows: str
    """A query for (host, local, columns …)."""
    columns: dict[str, str]
    answer: Callable[..., _Ids]


class EvidenceTable:
    """Gathers the evidence of some days' acts in `gathered(host, local, day, entries)`; remembers what was asked."""

    def __init__(self, session: "DuckDBPyConnection", catalogue: Catalogue) -> None:
        """Ask `catalogue`."""
        self._session = session
        self._questions = _questions(catalogue)
        self._known: dict[str, dict[tuple[Any, ...], _Ids]] = {one.name: {} for one in self._questions}
        session.execute("CREATE TABLE signers (host VARCHAR, digest VARCHAR, signer VARCHAR)")

    def gather(self, signers: Signers) -> None:
        """Ask what the acts of `acts_of_days` say, and who signed what was started."""
        self._session.execute("DELETE FROM signers")
        columns = {"host": "VARCHAR", "digest": "VARCHAR", "signer": "VARCHAR"}
        insert(self._session, "signers", columns, ((*key, signer) for key, signer in signers.items()))
        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE grown (host VARCHAR, local VARCHAR, day INTEGER, entries VARCHAR[])"
        )
        for question in self._questions:
            self._ask(question)
        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE gathered AS SELECT i.i, g.day, "
            "list_sort(list_distinct(flatten(list(g.entries)))) AS entries FROM grown g "
            "JOIN instances i USING (host, local) GROUP BY ALL"
        )

        self._session.execute(
            "CREATE OR REPLACE TEMP TABLE evidence_of AS SELECT i, list_sort(list_distinct(flatten(list(entries)))) "
            "AS entries FROM (SELECT i, entries FROM gathered UNION ALL SELECT i, evidence FROM instances "
            "WHERE len(evidence) > 0) GROUP BY i"
        )

    def keep(self) -> None:
        """Add what was gathered to `instances`."""
        self._session.execute(
            "UPDATE instances SET evidence = list_sort(list_distinct(list_concat(evidence, g.entries))) FROM "
            "(SELECT i, flatten(list(entries)) AS entries FROM gathered GROUP BY i) g WHERE instances.i = g.i"
        )

    def _ask(self, question: _Question) -> None:
        names = ", ".join(question.columns)
        known = self._known[question.name]
        rows = self._session.execute(f"SELECT DISTINCT {names} FROM ({question.rows})").fetchall()
        for row in rows:
            if row not in known:
                known[row] = question.answer(*row)
        telling = [(*row, sorted(known[row])) for row in rows if known[row]]
        if not telling:
            return
        columns = {**question.columns, "entries": "VARCHAR[]"}
        declared = ", ".join(f"{name} {sort}" for name, sort in columns.items())
        self._session.execute(f"CREATE OR REPLACE TEMP TABLE telling ({declared})")
        self._insert(columns, telling)
        alike = " AND ".join(f"r.{name} IS NOT DISTINCT FROM t.{name}" for name in question.columns)
        self._session.execute(
            f"INSERT INTO grown SELECT DISTINCT r.host, r.local, r.day, t.entries FROM ({question.rows}) r "
            f"JOIN telling t ON {alike} WHERE r.local IS NOT NULL"
        )

    def _insert(self, columns: dict[str, str], rows: Iterable[tuple[Any, ...]]) -> None:
        insert(self._session, "telling", columns, rows)


_SIGNED: Final = (
    "SELECT m.host, m.local, d.day, m.image, m.command_line AS line, "
    "coalesce(nullif(a.signer, ''), nullif(b.signer, '')) AS signer, m.unit FROM instances m "
    "JOIN (SELECT i, min(day) AS day FROM named GROUP BY i) d USING (i) "
    "LEFT JOIN signers a ON a.host = m.host AND a.digest = m.digest "
    "LEFT JOIN signers b ON b.host = m.host AND b.digest = m.sha1"
)
"""From the first day on that names an instance: none of this changes within a window."""

_STARTED: Final = (
    "SELECT c.parent_host AS host, c.parent_local AS local, s.day, c.command_line AS line FROM starts s "
    "JOIN instances c ON c.host = s.host AND c.local = s.local "
    "WHERE c.command_line <> '' AND c.parent_local IS NOT NULL"
)


def _questions(catalogue: Catalogue) -> tuple[_Question, ...]:
    acts = "SELECT day, host, process_uid AS local, {columns} FROM acts_of_days WHERE kind = '{kind}'"
    text = "VARCHAR"
    return (
        _Question(
            "destination",
            acts.format(columns="destination AS place, port", kind="connection_opened") + " AND outbound",
            {"place": text, "port": "INTEGER"},
            catalogue.of_destination,
        ),
        _Question(
            "name",
            acts.format(columns="name AS place", kind="name_resolved"),
            {"place": text},
            lambda place: catalogue.of_destination(place, None),
        ),
        _Question(
            "module",
            acts.format(columns="path", kind="module_loaded"),
            {"path": text},
            catalogue.of_module,
        ),
        _Question("file", acts.format(columns="path", kind="file_touched"), {"path": text}, catalogue.of_file),
        _Question("child", _STARTED, {"line": text}, catalogue.of_child),
        _Question(
            "start",
            _SIGNED,
            {"image": text, "line": text, "signer": text, "unit": text},
            lambda image, line, signer, unit: catalogue.of_start(image, line or "", signer, unit),
        ),
    )
