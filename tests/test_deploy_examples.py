"""The examples of a deployment are run: units, cron lines and the image's command, with their paths moved elsewhere."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "examples" / "deploy"
UNITS = sorted([*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")])
INSTALLED = "/opt/leeway/bin/leeway"
TOOLS = ("podman", "buildah", "docker")


def settings(unit: str) -> dict[str, list[str]]:
    """Return what a unit file sets: `Section.Key` to its values, in order."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in (DEPLOY / unit).read_text("utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, equals, value = line.partition("=")
            assert equals, line
            found.setdefault(f"{section}.{key}", []).append(value)
    return found


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with the command, a state directory and a feed of which only the first week is there."""
    (tmp_path / "feed").mkdir()
    (tmp_path / "lib" / "leeway").mkdir(parents=True, mode=0o700)
    (tmp_path / "leeway").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m leeway "$@"\n', "utf-8")
    (tmp_path / "leeway").chmod(0o755)
    shutil.copy(ROOT / "examples" / "sysmon" / "week.jsonl", tmp_path / "feed")
    return tmp_path


def next_day(place: Path) -> None:
    shutil.copy(ROOT / "examples" / "sysmon" / "monday.jsonl", place / "feed")


def run(words: list[str], place: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run words in an empty environment, as systemd and cron do."""
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(place / "home"), **more}
    return subprocess.run(
        words, cwd=place, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


# systemd


class Unit:
    """A service, run as systemd would run it: specifiers, variables, condition and exit codes."""

    def __init__(self, name: str, place: Path) -> None:
        self._set = settings(name)
        self._place = place
        self._environment = dict(self._moved(one).split("=", 1) for one in self._set.get("Service.Environment", []))

    def start(self) -> str:
        """Return the outcome: `skipped`, `success` or the exit code and what was said."""
        for condition in self._set.get("Unit.ConditionPathExists", []):
            negated, path = condition.startswith("!"), Path(self._moved(condition.lstrip("!")))
            if path.exists() is negated:
                return "skipped"
        allowed = {0, *map(int, " ".join(self._set.get("Service.SuccessExitStatus", [])).split())}
        for command in [*self._set["Service.ExecStart"], *self._set.get("Service.ExecStartPost", [])]:
            done = run(self._words(command), self._place, **self._environment)
            if done.returncode not in allowed:
                return f"{done.returncode}: {done.stderr}"
        return "success"

    def _words(self, command: str) -> list[str]:
        words = [self._moved(word) for word in shlex.split(command)]
        told = [re.sub(r"(?<!\$)\$\{(\w+)\}", lambda found: self._environment[found[1]], word) for word in words]
        return [word.replace("$$", "$") for word in told]

    def _moved(self, text: str) -> str:
        text = text.replace("/var/log/sysmon", str(self._place / "feed")).replace(
            INSTALLED, str(self._place / "leeway")
        )
        return re.sub("%(.)", lambda found: {"S": str(self._place / "lib"), "%": "%"}[found[1]], text)


def test_the_units_learn_once_and_then_judge_every_day(place: Path) -> None:
    learn, judge = Unit("leeway-bootstrap.service", place), Unit("leeway.service", place)
    assert [learn.start(), judge.start()] == ["success", "success"]
    next_day(place)
    assert [learn.start(), judge.start()] == ["skipped", "success"]
    assert [learn.start(), judge.start()] == ["skipped", "success"]
    state = place / "lib" / "leeway"
    key = {"LEEWAY_ID_KEY": str(state / "key" / "id.key")}
    done = run([str(place / "leeway"), "findings", "--json", "--output-dir", str(state / "state")], place, **key)
    assert {one["severity"] for one in json.loads(done.stdout)} >= {"HIGH", "MEDIUM"}
    assert sorted(path.name for path in state.iterdir()) == ["bootstrapped", "key", "state"]
    assert not (place / "home").exists()


def test_findings_are_success_and_a_failure_is_one(place: Path) -> None:
    assert settings("leeway.service")["Service.SuccessExitStatus"] == ["3"]
    shutil.rmtree(place / "feed")
    assert Unit("leeway-bootstrap.service", place).start().startswith("1: ")
    assert not (place / "lib" / "leeway" / "bootstrapped").exists()


def test_a_day_is_judged_only_after_the_week_was_learnt() -> None:
    unit = settings("leeway.service")
    assert unit["Unit.Requires"] == unit["Unit.After"] == ["leeway-bootstrap.service"]
    assert settings("leeway.timer")["Install.WantedBy"] == ["timers.target"]


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="reads /proc")
def test_snapshots_of_this_host_are_a_feed(place: Path) -> None:
    taken = [Unit("leeway-snapshot.service", place).start() for _ in range(2)]
    feed = place / "lib" / "leeway" / "feed"
    assert taken == ["success", "success"]
    files = list(feed.iterdir())
    assert files
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d\.jsonl", one.name) for one in files)
    assert json.loads((place / "lib" / "leeway" / "feed.report.json").read_text())["events"] > 0
    shutil.rmtree(place / "feed")
    feed.rename(place / "feed")
    assert Unit("leeway-bootstrap.service", place).start() == "success"
    assert Unit("leeway.service", place).start() == "success"


CONFINED = {
    "DynamicUser": "yes",
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "StateDirectory": "leeway",
    "UMask": "0077",
    "PrivateTmp": "yes",
    "RestrictAddressFamilies": "AF_UNIX",
    "SystemCallFilter": "@system-service",
}


@pytest.mark.parametrize("unit", [one.name for one in UNITS if one.suffix == ".service"])
def test_a_service_is_confined(unit: str) -> None:
    found = settings(unit)
    assert {key: found.get(f"Service.{key}") for key in CONFINED} == {key: [one] for key, one in CONFINED.items()}
    reads_the_host = unit == "leeway-snapshot.service"
    assert found.get("Service.PrivateNetwork") == (None if reads_the_host else ["yes"])
    assert found["Service.CapabilityBoundingSet"] == ["CAP_SYS_PTRACE CAP_DAC_READ_SEARCH" if reads_the_host else ""]


def test_learning_and_judging_are_confined_alike() -> None:
    learn, judge = (
        {key: one for key, one in settings(unit).items() if key.startswith("Service.")}
        for unit in ("leeway-bootstrap.service", "leeway.service")
    )
    differ = {key for key in learn.keys() | judge.keys() if learn.get(key) != judge.get(key)}
    assert differ == {"Service.ExecStart", "Service.ExecStartPost", "Service.SuccessExitStatus"}


def test_systemd_accepts_the_units(place: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd-analyze here")
    for unit in UNITS:
        text = unit.read_text("utf-8").replace(INSTALLED, str(place / "leeway"))
        (place / unit.name).write_text(text, "utf-8")
    done = run([analyze, "verify", "--recursive-errors=yes", *(str(place / unit.name) for unit in UNITS)], place)
    ours = [line for line in done.stderr.splitlines() if "leeway" in line]
    assert (ours, done.returncode) == ([], 0), done.stderr


# cron


def jobs() -> list[tuple[str, str, str]]:
    """Return schedule, user and command of every line of the crontab."""
    lines = (DEPLOY / "leeway.cron").read_text("utf-8").splitlines()
    found = (re.fullmatch(r"((?:\S+ ){4}\S+)  (\w+)  (.+)", line) for line in lines)
    return [(one[1], one[2], one[3]) for one in found if one]


def variables() -> dict[str, str]:
    lines = (DEPLOY / "leeway.cron").read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if re.match("[A-Z_]+=", line))


def test_every_line_of_the_crontab_is_a_comment_a_variable_or_a_job() -> None:
    lines = (DEPLOY / "leeway.cron").read_text("utf-8").splitlines()
    plain = [line for line in lines if line and not line.startswith("#")]
    assert len(plain) == len(jobs()) + len(variables())
    assert [user for _, user, _ in jobs()] == ["leeway", "leeway", "root", "root", "root"]
    assert all(re.fullmatch(r"[0-9*/]+( [0-9*/]+){4}", schedule) for schedule, _, _ in jobs())
    assert not any(re.search(r"(?<!\\)%", command) for _, _, command in jobs())


def cron(command: str, place: Path) -> subprocess.CompletedProcess[str]:
    def moved(text: str) -> str:
        for path, other in (("/var/log/sysmon", "feed"), ("/var/lib/leeway", "lib/leeway"), (INSTALLED, "leeway")):
            text = text.replace(path, str(place / other))
        return text

    environment = {name: moved(value) for name, value in variables().items()}
    return run(["/bin/sh", "-c", moved(command.replace("\\%", "%"))], place, **environment)


def test_cron_learns_once_and_then_judges_every_day(place: Path) -> None:
    (_, _, learn), (_, _, judge), *_ = jobs()
    early = cron(judge, place)
    assert (early.returncode, early.stdout) == (0, "")
    codes = [cron(learn, place).returncode, cron(judge, place).returncode]
    next_day(place)
    again = cron(learn, place)
    found = cron(judge, place)
    assert [*codes, again.returncode, again.stdout, found.returncode] == [0, 0, 0, "", 3]
    assert re.search(r"findings: \d+ HIGH", found.stdout)
    assert not (place / "home").exists()


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="reads /proc")
def test_cron_takes_snapshots_and_learns_from_them(place: Path) -> None:
    _, _, (_, _, snapshot), (_, _, learn), (_, _, judge) = jobs()
    done = [cron(command, place) for command in (snapshot, learn, snapshot, judge)]
    assert [one.returncode for one in done[:3]] == [0, 0, 0], [one.stderr for one in done]
    assert done[3].returncode in {0, 3}
    assert (place / "lib" / "leeway-host" / "key" / "id.key").stat().st_mode & 0o777 == 0o600


# The image


def steps() -> list[tuple[str, str]]:
    """Return the instructions of the Containerfile."""
    lines = (DEPLOY / "Containerfile").read_text("utf-8").splitlines()
    found = [line.split(None, 1) for line in lines if line and not line.startswith("#")]
    return [(name, rest) for name, rest in found]


def last(instruction: str) -> str:
    return [rest for name, rest in steps() if name == instruction][-1]


def environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for name, rest in steps() if name == "ENV" for pair in rest.split())


KNOWN = {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "VOLUME", "HEALTHCHECK", "USER", "ENTRYPOINT", "CMD"}


def test_the_image_has_no_root_no_download_and_no_secret() -> None:
    names = [name for name, _ in steps()]
    assert set(names) <= KNOWN  # no ADD, no ARG, no EXPOSE, no SHELL
    assert names.index("USER") > max(index for index, name in enumerate(names) if name in {"RUN", "COPY"})
    assert int(last("USER").partition(":")[0]) > 0
    assert last("HEALTHCHECK") == "NONE"
    bases = [rest.split()[0] for name, rest in steps() if name == "FROM"]
    assert bases == ["docker.io/library/python:3.13-slim"] * 2
    assert not re.search(r"(?i)password|token|secret=", (DEPLOY / "Containerfile").read_text("utf-8"))
    assert {"ENTRYPOINT", "CMD", "VOLUME"} <= set(names)
    for name, rest in steps():
        if name in {"RUN", "ENTRYPOINT", "CMD", "VOLUME"}:
            assert all(isinstance(word, str) for word in json.loads(rest)), rest


def test_what_the_image_copies_is_there() -> None:
    sources = [word for name, rest in steps() if name == "COPY" and "--from" not in rest for word in rest.split()[:-1]]
    assert len(sources) >= 5
    assert [one for one in sources if not (ROOT / one).exists()] == []


def requirements(path: Path) -> Iterator[str]:
    """Yield each requirement with its hashes as one line."""
    yield from filter(None, path.read_text("utf-8").replace("\\\n", " ").splitlines())


def test_the_image_installs_what_is_locked_and_nothing_else() -> None:
    installs = [json.loads(rest) for name, rest in steps() if name == "RUN" and '"install", "--no-cache' in rest]
    locked, project = installs
    assert locked[0] == project[0] == "/opt/leeway/bin/pip"
    assert "--require-hashes" in locked
    lock = ROOT / locked[locked.index("--requirement") + 1]
    pinned = list(requirements(lock))
    assert len(pinned) >= 8
    assert all(re.match(r"[\w.-]+==\S+", one) and "--hash=sha256:" in one for one in pinned)
    assert {"--no-deps", "--no-build-isolation"} <= set(project)
    assert project[-1] == "."
    assert any(one.startswith("hatchling==") for one in pinned)


def everything(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(one): (one.lstat().st_size, one.lstat().st_mtime_ns) for one in sorted(folder.rglob("*"))}


def unprivileged() -> list[str]:
    """Return what stands before a command so that root, too, is bound by the permissions of files."""
    setpriv = shutil.which("setpriv")
    if os.geteuid() != 0 or setpriv is None:
        return []
    words = [setpriv, "--bounding-set=-all", "--inh-caps=-all"]
    return words if subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0 else []


def test_the_image_writes_on_its_volumes_only(place: Path) -> None:
    root, feed = place / "root", place / "feed"
    for folder in ("home", "tmp", "work"):
        (root / folder).mkdir(parents=True)
    for volume in json.loads(last("VOLUME")):
        (place / volume.lstrip("/")).mkdir(mode=0o700)
    moved = {"/feed": str(feed), "/state": str(place / "state"), "/key": str(place / "key")}

    def mount(text: str) -> str:
        return re.sub(r"^/(?:feed|state|key)\b", lambda found: moved[found[0]], text)

    values = {name: mount(value) for name, value in environment().items()}
    command = [*unprivileged(), str(place / "leeway")]
    words = [mount(word) for word in json.loads(last("CMD"))]
    assert words[0] == "detect"
    for one in (root, *root.iterdir(), feed):
        one.chmod(0o555)
    before = everything(root), everything(feed)
    try:
        learnt = run([*command, "bootstrap", *words[1:]], root / "work", **values)
        judged = run([*command, *words], root / "work", **values)
    finally:
        for one in (root, *root.iterdir(), feed):
            one.chmod(0o755)
    assert (learnt.returncode, judged.returncode) == (0, 0), learnt.stderr + judged.stderr
    assert (everything(root), everything(feed)) == before
    assert sorted(one.name for one in place.iterdir()) == ["feed", "key", "leeway", "lib", "root", "state"]
    assert [one.name for one in (place / "key").iterdir()] == ["id.key"]
    assert [one.name for one in (place / "state").iterdir()] == ["leeway"]
    assert not list((place / "lib" / "leeway").iterdir())


def test_the_image_can_be_built() -> None:
    tool = next((found for found in map(shutil.which, TOOLS) if found), None)
    if tool is None:
        pytest.skip(f"none of {', '.join(TOOLS)} here")
    base = last("FROM").split()[0]
    for words in ([tool, "info"], [tool, "pull", base]):
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode:
            pytest.skip(f"{' '.join(words)}: {done.stderr.strip()[-200:]}")
    words = [tool, "build", "-f", str(DEPLOY / "Containerfile"), "-t", "leeway-example-test", str(ROOT)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr[-2000:]


# The page


def test_the_page_names_every_file() -> None:
    page = (DEPLOY / "README.md").read_text("utf-8")
    assert [one.name for one in DEPLOY.iterdir() if one.name != "README.md" and f"`{one.name}`" not in page] == []
    key = settings("leeway.service")["Service.Environment"][-1].replace("%S", "/var/lib")
    assert key in page
