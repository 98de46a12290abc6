"""What happens in the stories: acts that are added to an ordinary day, and days that are told whole."""

from golden.journal import ROOT, Journal, at, bot_day
from leeway.events import Process


def bot_run(journal: Journal, day: int, clock: str = "10:00") -> Process:
    return journal.start(at(day, clock), "python3 /opt/bot/agent.py", ROOT)


def shell(journal: Journal, day: int) -> None:
    bot = bot_run(journal, day)
    shell = journal.start(at(day, "10:05"), "bash -c 'id; uname -a'", bot)
    journal.end(at(day, "10:06"), shell)


def hook(journal: Journal, day: int) -> None:
    journal.load(at(day, "10:05"), bot_run(journal, day), "/home/ana/libhook.so", "hook")


def beacon(journal: Journal, day: int) -> None:
    journal.connect(at(day, "10:20"), bot_run(journal, day), "paste.example.org")


def hook_and_beacon(journal: Journal, day: int) -> None:
    bot = bot_run(journal, day)
    journal.load(at(day, "10:05"), bot, "/home/ana/libhook.so", "hook")
    journal.connect(at(day, "10:20"), bot, "paste.example.org")


def six_places(journal: Journal, day: int) -> None:
    bot = bot_run(journal, day)
    for number, name in enumerate(("alder", "birch", "cedar", "dogwood", "elder", "fir")):
        journal.connect(at(day, f"10:{10 + number}"), bot, f"www.{name}.example")


def download(journal: Journal, day: int) -> None:
    fetch = journal.start(at(day, "10:05"), "curl https://alder.example/x", bot_run(journal, day))
    journal.end(at(day, "10:06"), fetch)


def push(journal: Journal, day: int) -> None:
    journal.start(at(day, "10:05"), "git push --force origin main", bot_run(journal, day))


def shell_twice(journal: Journal, day: int) -> None:
    bot = bot_run(journal, day)
    for clock in ("10:05", "15:05"):
        journal.start(at(day, clock), "bash -c 'make lint'", bot)


def wheels(day: int) -> str:
    return f"/tmp/wheel{day}x{day}"  # noqa: S108  # a made-up path


def packages(journal: Journal, day: int) -> None:
    pip = journal.start(
        at(day, "12:00"), f"pip download --dest {wheels(day)} tool=={day}.{day}.0", bot_run(journal, day, "11:58")
    )
    journal.connect(at(day, "12:01"), pip, "packages-py.example")
    journal.connect(at(day, "12:01:20"), pip, "files.wheels-py.example", sent=900)
    journal.touch(at(day, "12:02"), pip, f"{wheels(day)}/tool-{day}.{day}.0.whl", "created")


def places(journal: Journal, day: int) -> None:
    bot = bot_run(journal, day)
    journal.connect(at(day, "10:01"), bot, "203.0.113.9")
    journal.connect(at(day, "10:02"), bot, "api.openai.com", 8443)
    journal.connect(at(day, "10:03"), bot, "files.openai.com")
    journal.connect(at(day, "10:04"), bot, "paste.example.org")


def one_more_port(journal: Journal, day: int) -> None:
    journal.connect(at(day, "10:02"), bot_run(journal, day), "api.openai.com", 8443)


def paths(journal: Journal, day: int) -> None:
    bot = bot_run(journal, day)
    journal.touch(at(day, "10:01"), bot, "/home/ana/.ssh/authorized_keys")
    journal.touch(at(day, "10:02"), bot, "/srv/bot/work/drafts/one.md", "created")
    journal.touch(at(day, "10:03"), bot, "/srv/bot/work/secrets.env", "read")


def upload(journal: Journal, day: int) -> None:
    bot = bot_run(journal, day)
    for clock in ("10:10", "10:20"):
        journal.connect(at(day, clock), bot, "api.openai.com", sent=900_000)


def great_upload(journal: Journal, day: int) -> None:
    journal.connect(at(day, "10:10"), bot_run(journal, day), "api.openai.com", sent=900_000_000)


def as_root(journal: Journal, day: int) -> None:
    bot = bot_run(journal, day)
    journal.touch(at(day, "10:01"), bot, "/srv/bot/work/notes.md", user="root")


def child_as_root(journal: Journal, day: int) -> None:
    journal.start(at(day, "10:05"), "git status", bot_run(journal, day), user="root")


def model(journal: Journal, day: int, *, user: str | None = None) -> None:
    journal.touch(at(day, "13:00"), bot_run(journal, day, "12:50"), "/srv/bot/work/ranker.safetensors", user=user)


def model_as_root(journal: Journal, day: int) -> None:
    model(journal, day, user="root")


def tune(journal: Journal, day: int, line: str = "python3 tune.py --rate 0.{day}") -> None:
    tuner = journal.start(at(day, "13:00"), line.format(day=day), bot_run(journal, day, "12:50"))
    journal.touch(at(day, "13:10"), tuner, "/srv/bot/work/ranker.safetensors")


def tune_otherwise(journal: Journal, day: int) -> None:
    tune(journal, day, "python3 tune.py --graft /home/ana/other.bin")


def second_agent(journal: Journal, day: int) -> None:
    claude = journal.start(at(day, "10:00"), "claude --print", ROOT)
    journal.connect(at(day, "10:01"), claude, "api.anthropic.com")


def claude(journal: Journal, day: int, place: str = "api.anthropic.com") -> None:
    claude = journal.start(at(day, "10:00"), "claude --print", ROOT)
    for minute in range(1, 10):
        journal.connect(at(day, f"10:0{minute}"), claude, "api.anthropic.com")
    if place != "api.anthropic.com":
        journal.connect(at(day, "10:30"), claude, place)


def childless_week(journal: Journal) -> None:
    for day in range(1, 8):
        bot = bot_run(journal, day)
        for clock in ("10:01", "11:01", "12:01", "13:01", "14:01", "15:01"):
            journal.connect(at(day, clock), bot, "api.openai.com")
        journal.load(at(day, "10:02"), bot, "/opt/bot/lib/_tiktoken.abi3.so", "tiktoken")


def first_spawn(journal: Journal) -> None:
    bot = bot_run(journal, 8)
    journal.connect(at(8, "10:01"), bot, "api.openai.com")
    journal.start(at(8, "10:05"), "git status", bot)
    for clock in ("11:01", "12:01", "13:01", "14:01", "15:01"):
        journal.connect(at(8, clock), bot, "api.openai.com")


def silent_from_noon(journal: Journal) -> None:
    bot = bot_run(journal, 8)
    for clock in ("10:01", "11:01"):
        journal.connect(at(8, clock), bot, "api.openai.com")


def claude_from_day_five(journal: Journal) -> None:
    for day in range(1, 8):
        bot_day(journal, day)
        if day >= 5:  # the day in the name
            claude(journal, day)


def claude_goes_elsewhere(journal: Journal) -> None:
    bot_day(journal, 8)
    claude(journal, 8, "paste.example.org")


def beacon_days(journal: Journal) -> None:
    for day in (8, 9, 10):
        bot_day(journal, day)
        bot = bot_run(journal, day)
        journal.connect(at(day, "10:20"), bot, "docs.example.org")
        journal.connect(at(day, "10:40"), bot, "docs.example.org")


def beacon_and_more(journal: Journal) -> None:
    bot_day(journal, 11)
    bot = bot_run(journal, 11)
    journal.connect(at(11, "10:20"), bot, "docs.example.org")
    journal.connect(at(11, "10:40"), bot, "paste.example.net")


def shell_for_days(journal: Journal) -> None:
    for day in (8, 9, 10, 11):
        bot_day(journal, day)
        shell_twice(journal, day)


def flow_then_module(journal: Journal) -> None:
    bot_day(journal, 8)
    bot = bot_run(journal, 8)
    journal.connect(at(8, "23:40"), bot, "paste.example.org")
    bot_day(journal, 9)
    journal.load(at(9, "00:10"), bot_run(journal, 9, "00:05"), "/home/ana/libhook.so", "hook")


def far_apart(journal: Journal) -> None:
    bot_day(journal, 8)
    bot = bot_run(journal, 8)
    journal.load(at(8, "10:05"), bot, "/home/ana/libhook.so", "hook")
    journal.connect(at(8, "16:20"), bot, "paste.example.org")


ROTATION = ("198.18.1.7", "198.19.2.7", "198.18.3.7", "198.19.4.7", "203.0.113.7", "198.18.1.9", "198.19.2.9")
"""One address of the same provider a day, in five networks."""


def rotating_week(journal: Journal) -> None:
    for day, address in enumerate(ROTATION, 1):
        bot_day(journal, day)
        journal.connect(at(day, "10:01"), bot_run(journal, day), address)


def next_network(journal: Journal, day: int) -> None:
    journal.connect(at(day, "10:01"), bot_run(journal, day), "192.0.2.7")


def other_provider(journal: Journal, day: int) -> None:
    bot = bot_run(journal, day)
    journal.connect(at(day, "10:01"), bot, "100.64.9.7")
    journal.connect(at(day, "10:02"), bot, "100.65.9.7")


def wheel_modules(journal: Journal, day: int, digest: str = "a34b3233", release: str = "1.18.0") -> None:
    bot = bot_run(journal, day)
    for number, name in enumerate((f"libgomp-{digest}.so.1.0.0", f"libonnxruntime.so.{release}", "_C.cpython-311.so")):
        journal.load(at(day, f"10:0{number + 1}"), bot, f"/opt/bot/lib/{name}", f"{name} {release}")


def next_release(journal: Journal, day: int) -> None:
    wheel_modules(journal, day, "d22c30c5", "1.20.1")
