"""Generated ECS lines as Elastic's endpoint writes them, all from one seed, 1.6 KB on average.

Starts of processes, each with a command line that no other has, their ends, connections, name look-ups, loads of
libraries and touches of files: by AI agents, by what they start, and by other programs of their hosts. Which values an
agent shows is drawn from a repertoire of its own, so that days resemble each other; three in ten thousand connections
go to a place that nobody knows.
"""

import json
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

AGENTS_PER_HOST = 5

_PROGRAMS = ("git", "bash", "rg", "node", "python3", "sed", "cat", "npm", "pytest", "make")
_VERBS = ("fix", "add", "move", "drop", "test", "tidy", "speed up", "rename", "document", "check")
_NOUNS = ("the parser", "a race", "its tests", "two flags", "the cache", "old code", "an index", "the docs", "a leak")


class Doer(NamedTuple):
    """A process that starts others: an agent, or another program of its host."""

    host: str
    uid: str
    pid: int
    image: str
    line: str
    number: int


class Feed:
    """Generates the lines of days, all from one seed."""

    def __init__(self, seed: int, agents: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  # a workload, no secret
        hosts = max(1, agents // AGENTS_PER_HOST)
        self._doers = [self._agent(number, number % hosts) for number in range(agents)]
        self._doers += [self._service(number, number % hosts) for number in range(agents // 2)]
        self._count = 0

    def _agent(self, number: int, host: int) -> Doer:
        line = f"claude --model opus --session-name crew-{chr(97 + number % 26)}{chr(97 + number // 26)}"
        return Doer(f"ws{host}", f"agent-{number}", 1_000 + number, "/usr/local/bin/claude", line, number)

    def _service(self, number: int, host: int) -> Doer:
        line = f"cron -n {number}"
        return Doer(f"ws{host}", f"service-{number}", 400 + number, "/usr/sbin/cron", line, 1_000 + number)

    def lines(self, day: date, count: int) -> Iterator[bytes]:
        """Yield the lines of one day, in the order of time."""
        start = datetime.combine(day, time(6), UTC)
        step = timedelta(hours=16) / max(count, 1)
        running: dict[Doer, list[dict[str, Any]]] = {doer: [] for doer in self._doers}
        for doer in self._doers:
            yield self._line(start, self._start(doer, None, day))
        for number in range(count - len(self._doers)):
            yield self._line(start + step * (number + 1), self._act(running, day))

    def _act(self, running: dict[Doer, list[dict[str, Any]]], day: date) -> dict[str, Any]:
        doer = self._random.choice(self._doers)
        children = running[doer]
        running_self = {"process": self._process(f"{doer.uid}-{day}", doer.pid, doer.image, None)}
        sort = self._random.random()
        if sort < 0.15 or not children:  # noqa: PLR2004  # the share of starts
            start = self._start(doer, doer, day)
            children.append(start)
            return start
        if sort < 0.29 and len(children) > 1:  # noqa: PLR2004  # ends
            return self._end(children.pop(self._random.randrange(len(children))))
        # A third of it the agent does itself, for hours; its children live shortly.
        who = running_self if self._random.random() < 0.35 else self._random.choice(children[-12:])  # noqa: PLR2004
        if sort < 0.5:  # noqa: PLR2004  # connections
            return self._flow(doer, who)
        return self._lookup(doer, who) if sort < 0.62 else self._file_or_module(doer, who)  # noqa: PLR2004  # look-ups

    def _start(self, doer: Doer, parent: Doer | None, day: date) -> dict[str, Any]:
        self._count += 1
        if parent is None:
            process = self._process(f"{doer.uid}-{day}", doer.pid, doer.image, doer.line)
            shell = self._process(f"shell-{doer.host}", 90, "/bin/bash", "-bash")
            return {"doer": doer, "category": "process", "type": "start", "process": {**process, "parent": shell}}
        program = self._random.choice(_PROGRAMS[: 6 + doer.number % 5])
        process = self._process(
            f"run-{self._count}-{day}", 3_000 + self._count % 29_000, f"/usr/bin/{program}", self._command(program)
        )
        above = self._process(f"{parent.uid}-{day}", parent.pid, parent.image, parent.line)
        return {"doer": doer, "category": "process", "type": "start", "process": {**process, "parent": above}}

    def _command(self, program: str) -> str:
        rng = self._random
        if rng.random() < 0.5:  # noqa: PLR2004  # half are alike but for ids and numbers
            task, port = f"{rng.getrandbits(64):016x}", rng.randint(1, 9_999)
            return f"/usr/bin/{program} --quiet run --task {task} --port {port} src/app"
        words = f"{rng.choice(_VERBS)} {rng.choice(_NOUNS)} {rng.choice(_VERBS)} {rng.choice(_NOUNS)}"
        path = f"src/{rng.choice(_NOUNS).replace(' ', '_')}/part{rng.randint(1, 99_999)}.py"
        limit, seen = rng.randint(1, 512), f"{rng.getrandbits(96):024x}"
        return f"/usr/bin/{program} -m '{words}, see {seen}' --author ana --limit {limit} {path}"

    def _process(self, uid: str, pid: int, image: str, line: str | None) -> dict[str, Any]:
        base = {"entity_id": f"ZGQ5{uid}", "pid": pid, "executable": image, "name": image.rpartition("/")[2]}
        if line is None:
            return base
        digest = f"{sum(image.encode()):08x}"
        hashes = {"md5": digest * 4, "sha1": digest * 5, "sha256": digest * 8}
        return {**base, "command_line": line, "args": line.split(), "args_count": len(line.split()), "hash": hashes}

    def _end(self, start: dict[str, Any]) -> dict[str, Any]:
        process = {key: value for key, value in start["process"].items() if key != "parent"}
        return {**start, "type": "end", "process": {**process, "exit_code": 0}}

    def _named(self, start: dict[str, Any]) -> dict[str, Any]:
        process = start["process"]
        return self._process(process["entity_id"][4:], process["pid"], process["executable"], None)

    def _flow(self, doer: Doer, start: dict[str, Any]) -> dict[str, Any]:
        rng = self._random
        place = self._place(doer)
        ends = rng.random() < 0.4  # noqa: PLR2004  # the others open
        out, back = (int(rng.lognormvariate(7, 1)), int(rng.lognormvariate(9, 1))) if ends else (None, None)
        return {
            "doer": doer,
            "category": "network",
            "type": "end" if ends else "start",
            "process": self._named(start),
            "destination": {"domain": place, "ip": _address(place), "port": 443, "bytes": back},
            "source": {"ip": "10.0.0.5", "port": rng.randint(49_152, 65_535), "bytes": out},
            "network": {"direction": "egress", "transport": "tcp", "type": "ipv4"},
        }

    def _place(self, doer: Doer) -> str:
        if self._random.random() < 0.0003:  # noqa: PLR2004  # drift
            return f"drop{self._random.randint(1, 40)}.example.net"
        return f"api{self._random.randint(1, 9)}.vendor{(doer.number + self._random.randint(1, 6)) % 60}.example.com"

    def _lookup(self, doer: Doer, start: dict[str, Any]) -> dict[str, Any]:
        place = self._place(doer)
        dns = {"question": {"name": place, "type": "A"}, "resolved_ip": [_address(place)]}
        return {
            "doer": doer,
            "category": "network",
            "type": "info",
            "action": "lookup_result",
            "process": self._named(start),
            "dns": dns,
            "network": {"protocol": "dns"},
        }

    def _file_or_module(self, doer: Doer, start: dict[str, Any]) -> dict[str, Any]:
        rng = self._random
        process = self._named(start)
        if rng.random() < 0.5:  # noqa: PLR2004  # half are loads
            name = f"lib{rng.choice('abcdefghijklmnop')}{doer.number % 7}.so.{rng.randint(1, 4)}"
            dll = {"path": f"/usr/lib/x86_64-linux-gnu/{name}", "name": name, "hash": {"sha256": f"{len(name):064x}"}}
            return {"doer": doer, "category": "library", "type": "start", "process": process, "dll": dll}
        home = f"/home/ana/work{doer.number % 9}"
        path = f"{home}/src/{rng.choice(_PROGRAMS)}/file{rng.randint(1, 120)}.py"
        if rng.random() < 0.1:  # noqa: PLR2004  # the others have no number in their name
            path = f"{home}/notes/{rng.choice(_VERBS)}.txt"
        action = rng.choice(("creation", "change", "change", "deletion"))
        return {"doer": doer, "category": "file", "type": action, "process": process, "file": {"path": path}}

    def _line(self, moment: datetime, act: dict[str, Any]) -> bytes:
        """Return the document of an act, with all that the endpoint says besides."""
        doer: Doer = act["doer"]
        self._count += 1
        stamp = moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
        event = {
            "action": act.get("action", act["type"]),
            "agent_id_status": "verified",
            "category": [act["category"]],
            "created": stamp,
            "dataset": f"endpoint.events.{act['category']}",
            "id": f"NWd3{self._count:010d}+++++L{moment.toordinal()}",
            "ingested": stamp,
            "kind": "event",
            "module": "endpoint",
            "outcome": "unknown",
            "sequence": self._count,
            "type": [act["type"]],
        }
        told = {key: value for key, value in act.items() if key not in {"doer", "category", "type", "action"}}
        told["process"] = {
            **told["process"],
            "Ext": {"ancestry": [f"ZGQ5{doer.uid}", f"ZGQ5shell-{doer.host}", "ZGQ5MQ=="]},
        }
        document = {"@timestamp": stamp, **_shared(doer.host), "event": event, **told}
        return json.dumps(document, separators=(",", ":")).encode()


def _address(place: str) -> str:
    return f"198.51.{sum(place.encode()) % 250}.{len(place)}"


def _shared(host: str) -> dict[str, Any]:
    """Return what every document of a host says."""
    system = {
        "Ext": {"variant": "Ubuntu"},
        "family": "ubuntu",
        "full": "Ubuntu 24.04.2",
        "kernel": "6.8.0-60-generic #63-Ubuntu SMP",
        "name": "Linux",
        "platform": "ubuntu",
        "type": "linux",
        "version": "24.04.2",
    }
    sensor = f"3f2c9a4e-7d1b-4a53-9c55-{host:0>12}"
    return {
        "agent": {
            "id": sensor,
            "type": "endpoint",
            "version": "9.1.2",
            "build": {"original": "version: 9.1.2, compiled"},
        },
        "data_stream": {"dataset": "endpoint.events", "namespace": "default", "type": "logs"},
        "ecs": {"version": "8.10.0"},
        "elastic": {"agent": {"id": sensor}},
        "host": {
            "architecture": "x86_64",
            "hostname": host,
            "id": sensor.replace("-", ""),
            "ip": ["127.0.0.1", "::1", "10.0.0.5", "fe80::42:acff:fe11:2"],
            "mac": ["02-42-ac-11-00-02"],
            "name": host,
            "os": system,
        },
        "message": "Endpoint event",
        "user": {"Ext": {"real": {"id": 1000, "name": "ana"}}, "id": "1000", "name": "ana"},
        "group": {"Ext": {"real": {"id": 1000, "name": "ana"}}, "id": "1000", "name": "ana"},
    }
