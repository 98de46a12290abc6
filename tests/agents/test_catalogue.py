import re
import time
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeway.agents import entries, lookups
from leeway.agents.catalogue import Catalogue, Tier, catalogue, is_model_file
from leeway.agents.entries import CATEGORIES, Kind, read_entries
from leeway.errors import InvalidConfigError, NotFoundError

KNOWN = catalogue()
CLAUDE_CLI = "/usr/lib/node_modules/@anthropic-ai/claude-code/cli.js"


def evidence(  # one field a kind
    image: str,
    line: str = "",
    *,
    hosts: tuple[Any, ...] = (),
    modules: tuple[str, ...] = (),
    files: tuple[str, ...] = (),
    signer: str | None = None,
    unit: str | None = None,
) -> frozenset[str]:
    found = KNOWN.of_start(image, line, signer, unit)
    for host in hosts:
        found |= KNOWN.of_destination(*(host if isinstance(host, tuple) else (host, None)))
    for module in modules:
        found |= KNOWN.of_module(module)
    for file in files:
        found |= KNOWN.of_file(file)
    return found


def case(tier: str, image: str, line: str = "", *, id: str, **more: Any) -> Any:  # noqa: A002, ANN401  # pytest's own word; evidence of any kind
    return pytest.param(image, line, more, Tier(tier), id=id)


API = ("api.openai.com",)
TORCH = (r"C:\py\Lib\site-packages\torch\lib\torch_cpu.dll",)


@pytest.mark.parametrize(
    ("image", "line", "more", "tier"),
    [
        # agents
        case("agent", "/usr/local/bin/claude", "claude", id="claude"),
        case("agent", r"C:\Users\a\Claude.EXE", id="claude.exe, mixed case"),
        case(
            "agent", "/home/a/.local/share/claude/versions/2.1.71", "claude -c", id="claude by path, image is a version"
        ),
        case(
            "agent", "/Applications/Claude.app/Contents/Frameworks/Claude Helper (Plugin)", id="claude helper (plugin)"
        ),
        case("agent", "/opt/codex-linux-x64", id="codex-linux-x64"),
        case("agent", "codex-x86_64-apple-darwin", id="codex for macOS"),
        case("agent", "/usr/bin/opencode", id="opencode"),
        case("agent", "/usr/bin/ollama", "ollama serve", id="ollama serve"),
        case("agent", r"C:\Users\a\AppData\Local\Programs\Ollama\ollama app.exe", id="ollama app"),
        case("agent", "/Applications/LM Studio.app/Contents/MacOS/LM Studio", id="LM Studio"),
        case("agent", "/opt/jan", id="jan"),
        case("agent", "/usr/bin/llama-server", "llama-server -m x.gguf", id="llama-server"),
        case("agent", "/usr/bin/node", f"node {CLAUDE_CLI} -p hi", id="node + claude code"),
        case(
            "agent",
            r"C:\n\node.exe",
            r'"C:\n\node.exe" "C:\a b\node_modules\@openai\codex\bin\codex.js"',
            id="node + codex",
        ),
        case("agent", "/usr/bin/node", "claude", id="node that calls itself claude"),
        case(
            "agent",
            "/usr/bin/node",
            "npm exec @modelcontextprotocol/server-filesystem /d",
            id="npm exec of an MCP server",
        ),
        case("agent", "npx", "npx -y @modelcontextprotocol/server-filesystem", id="npx of an MCP server"),
        case("agent", "/usr/bin/node", "node /x/npx-cli.js -y @playwright/mcp@latest", id="npx behind node"),
        case("agent", "/usr/bin/uvx", "uvx mcp-server-fetch", id="uvx of an MCP server"),
        case("agent", "python3.11", "python3.11 -m mcp_server_git", id="-m mcp_server_git"),
        case("agent", "/usr/bin/github-mcp-server", "github-mcp-server stdio", id="github-mcp-server"),
        case("agent", "python", "python -m vllm.entrypoints.openai.api_server", id="-m vllm.entrypoints"),
        case("agent", "python", "python -m llama_cpp.server --model x", id="-m llama_cpp.server"),
        case("agent", "python", "python -m langchain", id="-m langchain"),
        case("agent", "python", "python langchain.py", id="langchain as script"),
        case("agent", "/usr/bin/python3.12", "/v/bin/python /v/bin/crewai run", id="crewai run"),
        case("agent", "/usr/bin/python3.12", "/v/bin/python3 /v/bin/aider --model x", id="aider as console script"),
        case("agent", "python", "python app.py", hosts=API, id="python + api.openai.com"),
        case("agent", "node", "node app.js", hosts=("bedrock-runtime.eu-west-1.amazonaws.com",), id="node + bedrock"),
        case("agent", "python", hosts=("API.OpenAI.com.",), id="mixed case and root dot"),
        case("agent", "python", files=("/m/phi.gguf",), id="python + model file"),
        case("agent", "python", modules=TORCH, files=("/m/x.pt",), hosts=("hf.co",), id="python + torch + model store"),
        case("agent", "java", hosts=("x.openai.azure.com",), id="java + Azure OpenAI"),
        case("agent", "code", hosts=("api.githubcopilot.com",), id="code + Copilot"),
        case("agent", r"C:\x\2.1.exe", signer="Anthropic, PBC", id="signed by Anthropic"),
        case("agent", "/x", signer='CN="Anthropic, PBC", O=Anthropic, C=US', id="signed, X.500 name"),
        case("agent", "gunicorn", unit="vllm.service", hosts=(("127.0.0.1", 11434),), id="unit + local port"),
        # possible
        case("possible", "/usr/bin/code", "code .", id="code alone"),
        case("possible", r"C:\Programs\Cursor.exe", id="cursor alone"),
        case("possible", "/usr/bin/goose", "goose up", id="goose, also a migration tool"),
        case("possible", "/usr/bin/curl", f"curl https://{API[0]}/v1", hosts=API, id="curl + api"),
        case("possible", r"C:\x\crewai.exe", "crewai run", id="crewai alone"),
        case("possible", "python", hosts=("huggingface.co",), id="python + model store"),
        case("possible", "python", modules=TORCH, id="python + torch, a library"),
        case("possible", "python", hosts=(("localhost", 11434),), id="python + local port"),
        # weak
        case("weak", "/usr/bin/python3", "python3 app.py", id="python without evidence"),
        case("weak", "python", "python -m pip install transformers", id="pip install transformers"),
        case("weak", "python", "python script.py --name claude", id="claude as a value"),
        case("weak", "python", "python -c 'import openai'", id="code on the command line"),
        case("weak", "node", "npm install @anthropic-ai/claude-code", id="npm install of an agent"),
        case("weak", "python", hosts=(("9.9.9.9", 11434),), id="port of a public host"),
        case("weak", "python", hosts=("evil-api.openai.com.attacker.net",), id="api name as a prefix"),
        case("weak", "python", hosts=("api.openai.com.evil.org",), id="api name before another domain"),
        case("weak", "python", hosts=("notapi.openai.com", "xapi.anthropic.com"), id="no label boundary"),
        case("weak", "/usr/bin/curl", hosts=("chatgpt.com",), id="curl + chat page"),
        case("weak", "/usr/bin/dd", files=("/x/firmware.bin",), id="firmware.bin"),
        # none
        case("none", "chrome.exe", hosts=("chatgpt.com", "api.openai.com"), files=("/d/x.safetensors",), id="chrome"),
        case("none", "Google Chrome Helper (Renderer)", hosts=("claude.ai",), modules=TORCH, id="chrome helper"),
        case("none", "msedge.exe", hosts=("copilot.microsoft.com", "api.githubcopilot.com"), id="edge"),
        case("none", r"C:\Program Files\WindowsApps\ms-teams.exe", hosts=API, modules=("onnxruntime.dll",), id="teams"),
        case("none", "msteams.exe", hosts=API, id="msteams"),
        case("none", r"C:\Windows\System32\svchost.exe", "svchost.exe -k netsvcs", hosts=API, id="svchost"),
        case("none", "/usr/lib/systemd/systemd-resolved", hosts=API, id="systemd-resolved"),
        case("none", "/usr/bin/rsync", files=("/m/phi.gguf", "/h/.claude.json"), id="rsync"),
        case("none", "/usr/bin/ffmpeg", "ffmpeg -i transformers.mkv x.mp4", id="transformers.mkv"),
        case("none", "/usr/bin/janimation", "janimation", id="janimation"),
        case("none", "/opt/january", id="january"),
        case("none", "/usr/local/bin/llama-backup", "llama-backup model", id="llama-backup"),
        case("none", "/usr/local/bin/claude-backup", id="claude-backup"),
        case("none", "/usr/bin/vim", "vim claude.md", id="vim claude.md"),
        case("none", "/usr/bin/grep", "grep -r openai .", id="grep openai"),
        case("none", "/usr/bin/grep", f"grep x {CLAUDE_CLI}", id="grep in the package of an agent"),
        case("none", "/bin/cat", "cat /home/x/ollama.txt", id="cat ollama.txt"),
        case("none", "/bin/bash", "bash -c 'claude -p hi'", id="the shell that starts claude"),
        case("none", "/bin/sleep", "claude 60", id="another program that calls itself claude"),
        case("none", "notclaude", id="notclaude"),
        case("none", "claudette", id="claudette"),
        case("none", "goosefs", id="goosefs"),
        case("none", "precursor", id="precursor"),
        case("none", "opencoded", id="opencoded"),
        case("none", "\u0441laude", id="Cyrillic letter in claude"),
        case("none", "/x/tool", hosts=("\u0430pi.openai.com",), id="Cyrillic letter in a host"),
        case("none", "/x/tool", signer="Anthropic Sciences Ltd", id="another publisher"),
        case("none", "", "", id="nothing known"),
    ],
)
def test_tiers(image: str, line: str, more: dict[str, Any], tier: Tier) -> None:
    found = evidence(image, line, **more)
    assert KNOWN.tier(found, image) is tier


def test_a_score_is_the_sum_over_kinds_of_the_heaviest_entry() -> None:
    found = evidence("python", hosts=("api.openai.com", "huggingface.co"), files=("a.onnx", "b.bin"))
    assert KNOWN.score(found, "python") == 1 + 2 + 2
    assert KNOWN.score(found, "chrome") == 1
    assert KNOWN.score({"no such entry"}, "python") == 0


@pytest.mark.parametrize(
    ("found", "category"),
    [
        pytest.param(evidence("claude", hosts=API), "coding_agent", id="the heaviest"),
        pytest.param(evidence("python", hosts=API), "llm_api", id="an interpreter is the least telling"),
        pytest.param(frozenset(), "unknown", id="nothing"),
        pytest.param(frozenset({"no such entry"}), "unknown", id="an id of another version"),
    ],
)
def test_categories(found: frozenset[str], category: str) -> None:
    assert KNOWN.category(found) == category


def test_the_wrapper_speaks_for_the_parent() -> None:
    line = "/bin/zsh -c -l source /u/.claude/shell-snapshots/s.sh && eval 'ls' && pwd -P >| /tmp/claude-1-cwd"
    assert KNOWN.of_child(line) == {"child_wrapper.claude_code"}
    assert KNOWN.of_start("/bin/zsh", line) == frozenset()
    assert KNOWN.of_child("zsh -c 'source x/snapshot.sh && eval ls'") == frozenset()
    assert KNOWN.of_child("ls") == frozenset()


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        pytest.param("/x/libctranslate2-1a2b3c4d.so.4.5.0", {"module.inference"}, id="release digest"),
        pytest.param("_tiktoken.cpython-311-x86_64-linux-gnu.so", {"module.tokens"}, id="ABI tag"),
        pytest.param(r"C:\o\ONNXRUNTIME.dll", {"module.onnxruntime"}, id="mixed case"),
        pytest.param("/x/libggml-cpu.so", {"module.llama_cpp"}, id="hyphen kept"),
        pytest.param("/x/torchlight.dll", set(), id="longer word"),
        pytest.param("", set(), id="empty"),
    ],
)
def test_modules(path: str, ids: set[str]) -> None:
    assert KNOWN.of_module(path) == ids


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        pytest.param("/h/.claude/settings.json", {"config.claude"}, id="configuration"),
        pytest.param(
            r"C:\Users\a\AppData\Roaming\Claude\claude_desktop_config.json", {"config.claude"}, id="on Windows"
        ),
        pytest.param("/h/x.claude.json", set(), id="not a whole component"),
        pytest.param("/repo/CLAUDE.md", set(), id="a note is no evidence"),
        pytest.param("/m/onnx", set(), id="no extension"),
        pytest.param("/m/.pt", set(), id="hidden file"),
        pytest.param("/m/A.GGUF", {"model_file.dedicated"}, id="upper case"),
    ],
)
def test_files(path: str, ids: set[str]) -> None:
    assert KNOWN.of_file(path) == ids


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/m/model-00001-of-00004.safetensors", True, id="shard"),
        pytest.param(r"C:\m\PHI.GGUF", True, id="Windows"),
        pytest.param("/h/.ollama/models/blobs/sha256-ab12", True, id="blob"),
        pytest.param("/h/.cache/huggingface/hub/x/tokenizer.model", True, id="general, in a store"),
        pytest.param("/m/pytorch_model.bin", True, id="usual name"),
        pytest.param("/m/firmware.bin", False, id="general, elsewhere"),
        pytest.param("/m/gguf", False, id="no extension"),
        pytest.param("/m/a.gguf.txt", False, id="another extension behind it"),
        pytest.param("", False, id="empty"),
    ],
)
def test_model_files(path: str, *, expected: bool) -> None:
    assert is_model_file(path) is expected


def test_dedicated_extensions_are_the_same_in_both_places() -> None:
    dedicated = KNOWN.describe("model_file.dedicated").patterns
    dedicated += KNOWN.describe("model_file.shared").patterns
    general = KNOWN.describe("model_file.general").patterns
    assert all(is_model_file(f"/m/a.{one}") for one in dedicated)
    assert all(not is_model_file(f"/m/a.{one}") for one in general)
    assert all(is_model_file(f"/h/.ollama/models/a.{one}") for one in general)


def test_every_entry_says_where_it_was_read_and_when() -> None:
    assert len(KNOWN.entries) >= 100
    assert len({entry.id for entry in KNOWN.entries}) == len(KNOWN.entries)
    for entry in KNOWN.entries:
        assert len(entry.source) >= 6, entry.id
        assert date(2026, 1, 1) <= entry.date <= date(2030, 1, 1), entry.id
        assert entry.category in CATEGORIES
        assert (entry.weight == 0) == (entry.kind is Kind.BYSTANDER), entry.id
        assert len(set(entry.patterns)) == len(entry.patterns), entry.id


def test_no_pattern_stands_in_two_entries_of_a_kind() -> None:
    seen = [(entry.kind, pattern, entry.positions) for entry in KNOWN.entries for pattern in entry.patterns]
    assert [one for one in seen if seen.count(one) > 1] == []


def test_kinds_and_tiers_are_closed_sets() -> None:
    assert [str(tier) for tier in Tier] == ["agent", "possible", "weak", "none"]
    assert {entry.kind for entry in KNOWN.entries} == set(Kind)


def test_describe() -> None:
    assert KNOWN.describe("name.claude_code").label == "Claude"
    with pytest.raises(NotFoundError, match="no such entry"):
        KNOWN.describe("no such entry")


FOREIGN = re.compile(r"\(\?(?:[=!>(]|<[=!]|P[=>])|(?<!\\)\\[1-9]|[*+?}]\+")


def test_every_pattern_is_in_the_re2_subset() -> None:
    patterns = [pattern for entry in KNOWN.entries if entry.kind is Kind.ARGUMENT for pattern in entry.patterns]
    for module in (entries, lookups):
        found = [(name, value.pattern) for name, value in vars(module).items() if isinstance(value, re.Pattern)]
        patterns += [pattern for name, pattern in found if name != "_FOREIGN"]
    assert len(patterns) > 60
    assert [pattern for pattern in patterns if FOREIGN.search(pattern)] == []


ENTRY = """
[[entry]]
id = "{id}"
label = "x"
kind = "{kind}"
category = "framework"
weight = {weight}
patterns = ['{pattern}']
source = "somewhere"
date = 2026-11-21
{more}
"""


def written(*made: dict[str, Any]) -> bytes:
    defaults = {"id": "a", "kind": "name", "weight": 1, "pattern": "x", "more": ""}
    return ("version = 1\n" + "".join(ENTRY.format(**defaults | one) for one in made)).encode()


ARGUMENT = {"kind": "argument", "more": 'positions = ["module"]'}


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        pytest.param(written({}, {}), "c.toml:14: the id 'a' stands twice", id="id twice"),
        pytest.param(written({}, {"id": "b", "more": "colour = 1"}), "c.toml:14: .*colour", id="unknown key"),
        pytest.param(written({"weight": 4}), "c.toml:3: ", id="weight out of range"),
        pytest.param(written({"kind": "smell"}), "c.toml:3: .*smell", id="unknown kind"),
        pytest.param(written({"pattern": "X"}), "c.toml:3: .*lower case", id="upper case"),
        pytest.param(written({"kind": "port", "pattern": "http"}), "c.toml:3: .*no port", id="port"),
        pytest.param(written({"kind": "argument"}), "c.toml:3: positions", id="argument without position"),
        pytest.param(
            written({"more": 'positions = ["module"]'}), "c.toml:3: positions", id="position without argument"
        ),
        pytest.param(written(ARGUMENT | {"pattern": "a(?=b)"}), "c.toml:3: .*RE2", id="look-ahead"),
        pytest.param(written(ARGUMENT | {"pattern": "(?<!a)b"}), "c.toml:3: .*RE2", id="look-behind"),
        pytest.param(written(ARGUMENT | {"pattern": r"(a)\1"}), "c.toml:3: .*RE2", id="back-reference"),
        pytest.param(written(ARGUMENT | {"pattern": "(?p<n>a)"}), "c.toml:3: .*RE2", id="not a pattern"),
        pytest.param(written(ARGUMENT | {"pattern": "a*+"}), "c.toml:3: .*RE2", id="possessive"),
        pytest.param(b"version = 2\nentry = []", "c.toml:1: ", id="another version"),
        pytest.param(b"version = 1\n\n= 3", "c.toml:3: not TOML", id="not TOML"),
        pytest.param(b"\xff", "c.toml:1: not TOML", id="not UTF-8"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(raw: bytes, place: str) -> None:
    with pytest.raises(InvalidConfigError, match=place):
        read_entries(raw, "c.toml")


def test_a_catalogue_of_ones_own() -> None:
    own = Catalogue(read_entries(written({"pattern": "robot-*", "weight": 3}), "c.toml"))
    assert own.tier(own.of_start("robot-7", ""), "robot-7") is Tier.AGENT
    assert own.tier(own.of_start("robots", ""), "robots") is Tier.NONE


TEXTS = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.sampled_from(["claude", "-", ".", " ", "/", "\\", "*", "x86_64", "1", "(plugin)", "cn=", '"', ","])
    ).map("".join),
)


@given(image=TEXTS, line=TEXTS, signer=TEXTS, unit=TEXTS, port=st.integers(0, 65_535))
def test_no_text_is_too_odd(image: str, line: str, signer: str, unit: str, port: int) -> None:
    found = KNOWN.of_start(image, line, signer, unit) | KNOWN.of_child(line) | KNOWN.of_destination(image, port)
    found |= KNOWN.of_module(image) | KNOWN.of_file(line)
    assert KNOWN.tier(found, image) in set(Tier)
    assert {KNOWN.describe(one).id for one in found} == found


@pytest.mark.parametrize("piece", ["-x86_64", ".1", "a.", "/", " inc", "@a/", "mcp-", "claude ", '"', "*", "\\"])
def test_a_megabyte_takes_no_time(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    before = time.perf_counter()
    KNOWN.of_start(text, text, text, text)
    KNOWN.of_start("python", f"python -m {text}")
    KNOWN.of_destination(text, 11434)
    KNOWN.of_module(text)
    KNOWN.of_file(text)
    is_model_file(text)
    KNOWN.tier(frozenset(), text)
    assert time.perf_counter() - before < 0.5
