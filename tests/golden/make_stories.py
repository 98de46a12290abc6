"""Write the golden stories anew: `python tests/golden/make_stories.py`. Each is one promise of the product.

The expected findings stand in the stories by hand; the script refuses to write a story that the product does not keep.
"""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from golden import acts
from golden.journal import Journal, at, bot_day, bot_week, digest, lines
from golden.play import as_lines, play

Told = tuple[int, str, str, tuple[str, ...]]
"""(day, type, severity, value) of an expected finding."""


@dataclass(frozen=True, kw_only=True)
class Story:
    """A week that is learnt, what happens then, and what must be said of it."""

    name: str
    promise: str
    learn: Callable[[Journal], None] = bot_week
    extend: Callable[[Journal], None] | None = None
    then: Callable[[Journal], None]
    expected: tuple[Told, ...]
    files: dict[str, str] = field(default_factory=dict)


def _day_with(*acts: Callable[[Journal, int], None], day: int = 8) -> Callable[[Journal], None]:
    """Return an ordinary day on which something happens besides; each act writes with its own agent run."""

    def then(journal: Journal) -> None:
        bot_day(journal, day)
        for act in acts:
            act(journal, day)

    return then


def _week_of(*acts: Callable[[Journal, int], None]) -> Callable[[Journal], None]:
    """Return a week of ordinary days with the same acts on each."""

    def learn(journal: Journal) -> None:
        for day in range(1, 8):
            bot_day(journal, day)
            for act in acts:
                act(journal, day)

    return learn


_TIKTOKEN = digest("tiktoken")
_RANKER = "/srv/bot/work/ranker.safetensors"
_PROVIDERS = (
    '{"path":"modelcloud/ipv4.txt","cidrs":["192.0.2.0/24","198.18.0.0/15","203.0.113.0/24"]}\n'
    '{"path":"elsewhere/ipv4.txt","cidrs":["100.64.0.0/10"]}\n'
)

STORIES = (
    Story(
        name="A1-shell-under-a-python-agent",
        promise="A Python agent that never used a shell starts one: a new child, with the chain of processes.",
        then=_day_with(acts.shell),
        expected=((8, "new_child", "MEDIUM", ("bash",)),),
    ),
    Story(
        name="A2-new-named-range",
        promise="Two networks of a provider this agent never used are one remark, about the provider's named range.",
        learn=acts.rotating_week,
        files={"ranges.jsonl": _PROVIDERS},
        then=_day_with(acts.other_provider),
        expected=((8, "new_destination", "MEDIUM", ("named range", "ranges/elsewhere")),),
    ),
    Story(
        name="A3-module-not-approved",
        promise="A module whose digest nobody approved is loaded: HIGH by the list, and LOW because it is new.",
        files={"policy.toml": f'[[rules]]\nagent = "python3"\nmodules = ["{_TIKTOKEN}"]\n'},
        then=_day_with(acts.hook),
        expected=(
            (8, "module_not_approved", "HIGH", ("libhook.so", digest("hook"))),
            (8, "new_module", "LOW", ("libhook.so",)),
        ),
    ),
    Story(
        name="A8-destination-fan-out",
        promise="Six new destinations in a day where none was usual: more than max(5, 3 x 0).",
        then=_day_with(acts.six_places),
        expected=(
            (8, "destination_fan_out", "MEDIUM", ()),
            *(
                (8, "new_destination", "MEDIUM", (f"{name}.example",))
                for name in ("alder", "birch", "cedar", "dogwood", "elder", "fir")
            ),
        ),
    ),
    Story(
        name="A9-process-not-allowed",
        promise="A child that is not on the operator's list is HIGH, besides being new.",
        files={"policy.toml": '[[rules]]\nagent = "python*"\nprocesses = ["git"]\n'},
        then=_day_with(acts.download),
        expected=((8, "new_child", "MEDIUM", ("curl",)), (8, "process_not_allowed", "HIGH", ("curl",))),
    ),
    Story(
        name="A10-flow-and-module",
        promise="A new destination and a new module within the hour join to one HIGH finding; both stay as they are.",
        then=_day_with(acts.hook_and_beacon),
        expected=(
            (8, "flow_and_module", "HIGH", ()),
            (8, "new_destination", "MEDIUM", ("example.org",)),
            (8, "new_module", "LOW", ("libhook.so",)),
        ),
    ),
    Story(
        name="A10-flow-and-module-over-midnight",
        promise="They meet across midnight as well.",
        then=acts.flow_then_module,
        expected=(
            (8, "new_destination", "MEDIUM", ("example.org",)),
            (9, "flow_and_module", "HIGH", ()),
            (9, "new_module", "LOW", ("libhook.so",)),
        ),
    ),
    Story(
        name="A10-flow-and-module-apart",
        promise="Six hours apart they do not join.",
        then=acts.far_apart,
        expected=((8, "new_destination", "MEDIUM", ("example.org",)), (8, "new_module", "LOW", ("libhook.so",))),
    ),
    Story(
        name="A14-accepted-after-review",
        promise="A benign verdict after day 8 enters when day 9 closes: on day 10 the child is rare, then known.",
        files={
            "options.toml": '[review]\nbefore = "2025-03-11"\ntype = "new_child"\nverdict = "benign"\n'
            'reason = "the lint step of release 4"\nby = "ben"\n'
        },
        then=acts.shell_for_days,
        expected=(
            (8, "new_child", "MEDIUM", ("bash",)),
            (9, "new_child", "MEDIUM", ("bash",)),
            (10, "new_child", "LOW", ("bash",)),
            (10, "new_child", "INFO", ("bash", "make lint")),
        ),
    ),
    Story(
        name="A14-not-reviewed",
        promise="The same history without a verdict: the child stays new, day after day, in one case.",
        then=acts.shell_for_days,
        expected=tuple((day, "new_child", "MEDIUM", ("bash",)) for day in (8, 9, 10, 11)),
    ),
    Story(
        name="A15-package-manager-is-no-drift",
        promise="A known package manager that fetches another version into another folder does what it always does.",
        learn=_week_of(acts.packages),
        then=_day_with(acts.packages),
        expected=(),
    ),
    Story(
        name="A18-observe",
        promise="With observe everything is judged and stored, and nothing is delivered: there is no alerts folder.",
        files={"options.toml": "observe = true\n"},
        then=_day_with(acts.shell),
        expected=((8, "new_child", "MEDIUM", ("bash",)),),
    ),
    Story(
        name="B3-new-domain",
        promise="A domain nobody at this agent knows.",
        then=_day_with(acts.beacon),
        expected=((8, "new_destination", "MEDIUM", ("example.org",)),),
    ),
    Story(
        name="B3-new-port",
        promise="A known domain on a port this agent never used.",
        then=_day_with(acts.one_more_port),
        expected=((8, "new_destination", "MEDIUM", ("openai.com", "8443")),),
    ),
    Story(
        name="B4-model-file",
        promise="The agent changes a model file in a folder it always worked in: the file is new, and it is a model.",
        then=_day_with(acts.model),
        expected=(
            (8, "model_file_first_modified", "MEDIUM", (_RANKER,)),
            (8, "new_path", "LOW", ("/srv/bot/work", "/srv/bot/work", "ranker.safetensors")),
        ),
    ),
    Story(
        name="B5-unexpected-child",
        promise="A downloader under an agent that only ever ran git.",
        then=_day_with(acts.download),
        expected=((8, "new_child", "MEDIUM", ("curl",)),),
    ),
    Story(
        name="B6-excess-transfer",
        promise="1.8 MB in an hour of an agent that sends some 9 kB a day: beyond the limit.",
        then=_day_with(acts.upload),
        expected=((8, "excess_transfer", "MEDIUM", ()),),
    ),
    Story(
        name="B7-new-user",
        promise="A known agent acts as root.",
        then=_day_with(acts.as_root),
        expected=((8, "new_user", "MEDIUM", ("root",)),),
    ),
    Story(
        name="B10-extend",
        promise="A second bootstrap adds to the first: the domain of its three days is normal, another one is not.",
        extend=acts.beacon_days,
        then=acts.beacon_and_more,
        expected=((11, "new_destination", "MEDIUM", ("example.net",)),),
    ),
    Story(
        name="B26-new-agent",
        promise="An agent without a baseline: nothing else can be said of it yet, and that is said.",
        then=_day_with(acts.second_agent),
        expected=((8, "new_agent", "MEDIUM", ()),),
    ),
    Story(
        name="B27-learning",
        promise="An agent known for three days is still learning: INFO, and what it does anew counts one less.",
        learn=acts.claude_from_day_five,
        then=acts.claude_goes_elsewhere,
        expected=((8, "learning", "INFO", ()), (8, "new_destination", "LOW", ("example.org",))),
    ),
    Story(
        name="B33-model-file-new-user",
        promise="A model file that the agent changes daily is changed as root: HIGH, besides the user being new.",
        learn=_week_of(acts.model),
        then=_day_with(acts.model_as_root),
        expected=(
            (8, "model_file_new_user", "HIGH", (_RANKER, "root")),
            (8, "new_user", "MEDIUM", ("root",)),
        ),
    ),
    Story(
        name="B28-child-as-another-user",
        promise="A known child runs as a user under whom neither the agent nor its children ever acted.",
        then=_day_with(acts.child_as_root),
        expected=((8, "new_user", "MEDIUM", ("root",)),),
    ),
    Story(
        name="B29-new-destination",
        promise="An address, a port, a host of a known domain, a domain: each at its own level.",
        then=_day_with(acts.places),
        expected=(
            (8, "new_destination", "MEDIUM", ("203.0.0.0/16", "203.0.113.0/24")),
            (8, "new_destination", "MEDIUM", ("example.org",)),
            (8, "new_destination", "MEDIUM", ("openai.com", "8443")),
            (8, "new_destination", "LOW", ("openai.com", "files.openai.com")),
        ),
    ),
    Story(
        name="B30-new-path",
        promise="A new tree, a new folder in a known tree, a new file in a known folder.",
        then=_day_with(acts.paths),
        expected=(
            (8, "new_path", "MEDIUM", ("/home/ana/.ssh",)),
            (8, "new_path", "LOW", ("/srv/bot/work", "/srv/bot/work/drafts")),
            (8, "new_path", "LOW", ("/srv/bot/work", "/srv/bot/work", "secrets.env")),
        ),
    ),
    Story(
        name="B31-excess-transfer-grave",
        promise="A hundred times the limit is HIGH.",
        then=_day_with(acts.great_upload),
        expected=((8, "excess_transfer", "HIGH", ()),),
    ),
    Story(
        name="B32-first-modified",
        promise="The same model file every day is normal: no finding.",
        learn=_week_of(acts.model),
        then=_day_with(acts.model),
        expected=(),
    ),
    Story(
        name="B34-model-by-other-arguments",
        promise="A model is changed by the usual child with arguments of another shape. Python changing a model is an "
        "agent of its own, so it is new, and held against its relative; the agent above it keeps the graver finding.",
        learn=_week_of(acts.tune),
        then=_day_with(acts.tune_otherwise),
        expected=(
            (8, "model_file_unusual_arguments", "MEDIUM", (_RANKER, "python3 tune.py --graft /home/ana/other.bin")),
            (8, "model_file_unusual_arguments", "LOW", (_RANKER, "python3 tune.py --graft /home/ana/other.bin")),
            (8, "new_agent", "LOW", ()),
            (8, "new_child", "LOW", ("python3", "tune.py --graft /home/ana/other.bin")),
        ),
    ),
    Story(
        name="B35-first-spawn",
        promise="An agent that never started anything starts its first child.",
        learn=acts.childless_week,
        then=acts.first_spawn,
        expected=((8, "new_child", "MEDIUM", ("git",)),),
    ),
    Story(
        name="B35-unusual-arguments",
        promise="A known child is started in a way it never was.",
        then=_day_with(acts.push),
        expected=((8, "new_child", "LOW", ("git", "push --force origin main")),),
    ),
    Story(
        name="A12-a-sensor-falls-silent",
        promise="A sensor that spoke every hour of a working day is not heard from noon on: silence is no quiet.",
        learn=acts.childless_week,
        then=acts.silent_from_noon,
        expected=((8, "telemetry_gap", "LOW", ("desk",)),),
    ),
    Story(
        name="D6-rotation-inside-a-range",
        promise="A network never seen, of a provider whose networks rotate at this agent: no finding.",
        learn=acts.rotating_week,
        files={"ranges.jsonl": _PROVIDERS},
        then=_day_with(acts.next_network),
        expected=(),
    ),
    Story(
        name="D7-module-of-another-release",
        promise="The libraries of a week in another release, their versions and digests others: no new module.",
        learn=_week_of(acts.wheel_modules),
        then=_day_with(acts.next_release),
        expected=(),
    ),
)


def write(story: Story, folder: Path) -> None:
    """Write one story's folder, its findings included.

    Raises:
        SystemExit: where the product says something else than the story expects.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, tell in (("learn", story.learn), ("extend", story.extend), ("events", story.then)):
        if tell is not None:
            journal = Journal(prefix=name[0])
            tell(journal)
            (folder / f"{name}.jsonl").write_bytes(lines(journal.events))
    for name, text in story.files.items():
        (folder / name).write_text(text)
    (folder / "README.md").write_text(f"# {story.name}\n\n{story.promise}\n")
    with TemporaryDirectory() as scratch:
        found = play(folder, Path(scratch) / "state")
    told = {
        (at(1, "00:00").date().toordinal() + day - 1, kind, severity, value)
        for day, kind, severity, value in story.expected
    }
    seen = {(one["day"].toordinal(), one["type"], one["severity"], tuple(one["value"])) for one in found}
    if told != seen:
        shutil.rmtree(folder)
        sys.exit(f"{story.name}: missing {sorted(told - seen)}, not expected {sorted(seen - told)}")
    (folder / "findings.jsonl").write_bytes(as_lines(found))


if __name__ == "__main__":
    for each in STORIES:
        write(each, Path(__file__).parent / each.name)
