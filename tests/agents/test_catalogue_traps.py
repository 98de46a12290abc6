"""What looks like an AI agent and is none, what looks like none and is one."""

from typing import Any

import pytest

from leeway.agents.catalogue import Tier, catalogue

KNOWN = catalogue()
API = "api.openai.com"
TORCH = "/v/site-packages/torch/lib/libtorch_cpu.so"


def case(image: str, line: str = "", *, id: str, **more: Any) -> Any:  # noqa: A002, ANN401  # pytest's own word; evidence of any kind
    return pytest.param(image, line, more, id=id)


def tier_of(image: str, line: str, more: dict[str, Any]) -> Tier:
    found = KNOWN.of_start(image, line, more.get("signer"), more.get("unit"))
    found = found.union(*(KNOWN.of_destination(*host) for host in more.get("reached", ())))
    found = found.union(*(KNOWN.of_destination(host) for host in more.get("hosts", ())))
    found = found.union(*map(KNOWN.of_module, more.get("modules", ())))
    found = found.union(*map(KNOWN.of_file, more.get("files", ())))
    return KNOWN.tier(found, image)


# None: nothing may speak for an agent.


@pytest.mark.parametrize(
    ("image", "line", "more"),
    [
        case(r"C:\Program Files\Grid Power\transformers.exe", "transformers.exe --load 110kV", id="a power company's"),
        case(r"C:\Games\janimation.exe", "janimation.exe", id="janimation"),
        case("/usr/local/bin/llama-backup", "llama-backup /srv", id="llama-backup"),
        case("/usr/local/bin/llama-backup", files=("/m/x.gguf", "/h/.claude.json"), id="llama-backup reads models"),
        case("/usr/bin/vim", "vim claude.txt", id="a text file named claude"),
        case("/usr/bin/vim", "vim /h/.claude/settings.json", files=("/h/.claude/settings.json",), id="vim on settings"),
        case("/usr/bin/grep", "grep openai log.txt", id="grep openai"),
        case("/usr/bin/grep", "grep -r langchain .", files=("/m/a.safetensors",), id="grep through a model"),
        case("/usr/bin/curl", f"curl https://example.org/?q={API}", hosts=("example.org",), id="host in a query"),
        case("/opt/x", hosts=(f"{API}.evil.example", f"{API}-evil.example"), id="host as a prefix"),
        case("/opt/x", hosts=("notopenai.com", "notclaude.ai", "myhuggingface.co"), id="no label boundary"),
        case("/opt/x", hosts=("us-aiplatform.evil.example", "bedrock-x.y.amazonaws.com.evil.example"), id="star"),
        case("/bin/bash", "bash /home/claude/bin/backup.sh", id="a user named claude"),
        case("/home/claude/bin/backup.sh", id="a program of the user claude"),
        case("/home/claude/versions/3/report", "report", id="versions in the home of claude"),
        case("/home/ollama/tool", "tool", id="home of a service user"),
        case("/usr/bin/git", "git add code cursor claude", id="code as an argument of git"),
        case(
            "/usr/bin/git",
            "git clone https://huggingface.co/x",
            hosts=("huggingface.co",),
            files=("/w/m.gguf", "/w/.mcp.json"),
            id="git checks out",
        ),
        case("/bin/sh", "sh -c 'while true; do continue; done'", id="continue in a shell"),
        case("/usr/bin/psql", 'psql -c "DECLARE cursor CURSOR FOR SELECT 1"', id="cursor in SQL"),
        case(r"C:\MSFS\Community\copilot\fs.exe", "fs.exe --profile copilot", id="copilot of a simulator"),
        case("/srv/scripts/jan.sh", "jan.sh", id="a script for January"),
        case("/srv/reports/jan-2026", "jan-2026", id="jan-2026"),
        case("/srv/reports/jan_26.exe", id="jan_26"),
        case("/usr/bin/app", reached=(("127.0.0.1", 8080), ("10.0.0.2", 8000), ("10.0.0.2", 9090)), id="busy ports"),
        case("/usr/bin/firefox-esr", hosts=("chatgpt.com", "claude.ai", API), id="a browser chats"),
        case("Brave Browser Helper", hosts=("gemini.google.com",), id="helper of a browser"),
        case("google-chrome-stable", hosts=("huggingface.co",), files=("/d/x.gguf",), id="a browser fetches a model"),
        case(r"C:\Program Files\ESET\ekrn.exe", files=(r"D:\m\x.gguf", r"C:\Users\a\.claude.json"), id="scanner"),
        case("/opt/CrowdStrike/falcon-sensor-bpf", files=("/m/x.gguf",), hosts=("huggingface.co",), id="EDR"),
        case("wazuh-syscheckd", files=("/m/x.safetensors", "/h/.codex/config.toml"), id="integrity checker"),
        case("/usr/bin/cp", "cp -r /home/a /mnt", files=("/h/.claude.json", "/m/x.gguf"), id="cp of a home"),
        case("/usr/bin/find", "find / -name *.gguf", files=("/m/x.gguf", "/h/mcp.json"), id="find"),
        case("codec", id="codec"),
        case("geminid", id="geminid"),
        case("openclawmachine", id="openclawmachine"),
        case("/usr/bin/pngcrush", "pngcrush a.png", id="pngcrush"),
        case("/usr/sbin/boltd", id="boltd"),
        case("/usr/bin/warp-svc", hosts=("openrouter.ai",), id="warp of another vendor"),
        case("/usr/bin/ping", "ping api.anthropic.com", id="host as an argument"),
        case("/usr/bin/less", "less /usr/lib/node_modules/@openai/codex/bin/codex.js", id="reading an agent's code"),
        case("/opt/app", unit="ollama-backup.service", id="unit of a backup"),
        case("/opt/app", signer="OpenAIre Limited", id="publisher of a similar name"),
    ],
)
def test_nothing_speaks_for(image: str, line: str, more: dict[str, Any]) -> None:
    assert tier_of(image, line, more) is Tier.NONE


# Weak or possible: something does, and it is not enough.


@pytest.mark.parametrize(
    ("image", "line", "more", "tier"),
    [
        pytest.param("node", "node server.js", {"hosts": ("example.org",)}, "weak", id="a plain web application"),
        pytest.param("node", "node /srv/node_modules/express/bin/www", {}, "weak", id="express"),
        pytest.param("python3", "python3 train.py", {"modules": (TORCH,)}, "possible", id="torch is a library"),
        pytest.param("python3", "python3 -m http.server 8080", {}, "weak", id="a server on 8080"),
        pytest.param("python3", "python3 transformers.py", {}, "possible", id="a script named transformers"),
        pytest.param("python3", "python3 jan.py", {}, "weak", id="a script named jan"),
        pytest.param("python3", "python3 mcp.py", {}, "weak", id="a script named mcp"),
        pytest.param("python3", "python3 /home/claude/report.py", {}, "weak", id="a script of the user claude"),
        pytest.param("python3", "python3 a.py", {"files": ("/d/measured.h5",)}, "possible", id="HDF5 data"),
        pytest.param("python3", "python3 a.py", {"files": ("/t/page.pt",)}, "possible", id="a page template"),
        pytest.param("goose", "goose postgres up", {"hosts": ("db.example",)}, "possible", id="database migrations"),
        pytest.param("curl", "curl -LO", {"hosts": ("hf.co",), "files": ("/m/x.gguf",)}, "possible", id="a download"),
        pytest.param("/usr/sbin/zed", "zed -F", {}, "weak", id="event daemon of ZFS"),
        pytest.param("agent", "agent run", {"hosts": ("example.org",)}, "weak", id="any agent"),
        pytest.param("node", "npm install @augmentcode/auggie", {}, "weak", id="installing an agent"),
        pytest.param("npm", "npm view @openai/codex", {}, "weak", id="looking at an agent's package"),
        pytest.param("java", "java -jar forge.jar", {}, "weak", id="forge of a game"),
        pytest.param("lms", "lms --music", {}, "possible", id="a music server"),
        pytest.param("node", "node /h/.vscode/extensions/esbenp.prettier-vscode-9.1/x.js", {}, "weak", id="extension"),
    ],
)
def test_not_enough_speaks_for(image: str, line: str, more: dict[str, Any], tier: str) -> None:
    assert tier_of(image, line, more) == tier


# Agents, by the form of their evidence rather than by one literal.


@pytest.mark.parametrize(
    ("image", "line", "more"),
    [
        case("/home/a/.local/bin/auggie", "auggie", id="auggie"),
        case("node", "node /l/node_modules/@augmentcode/auggie/augment.mjs", id="a vendor's scope"),
        case("node", "npx @qoder-ai/qodercli@1.1", id="qoder"),
        case("node", "npx --yes @acme/coding-agent", id="any coding-agent"),
        case("node", "node /l/node_modules/@anthropic-ai/claude-agent-sdk/cli.js", id="agent SDK"),
        case("node", "npx -y @zed-industries/claude-code-acp", id="agent client protocol"),
        case("node", "npx -y @acme/weather-mcp", id="anybody's MCP server"),
        case("npm", "npm exec weather-mcp-server", id="unscoped MCP server"),
        case("uvx", "uvx --from git+https://git.example/a/weather-mcp-server.git@v1 run", id="from a repository"),
        case("node", "npx github:acme/weather-mcp-server#main", id="npx of a repository"),
        case("python3", "python3 /v/bin/weather_mcp_server", id="console script"),
        case("python3", "python3 -m sglang.launch_server --model-path x", id="sglang"),
        case("python3", "/v/bin/python /v/bin/mlx_lm.server", id="mlx_lm.server"),
        case("python3", "/v/bin/python3 /v/bin/vibe", hosts=("api.mistral.ai",), id="a short name and its vendor"),
        case("/nix/store/x/bin/.claude-wrapped", id="wrapped by Nix"),
        case("LM-Studio-0.3.5-x64.AppImage", id="AppImage"),
        case("codex-x86_64-unknown-linux-musl", id="platform"),
        case("jan-0.6.5", id="version"),
        case("/home/a/.local/share/cursor-agent/versions/2026.02.27/node", "node index.js", id="Cursor's command line"),
        case("/h/.vscode/extensions/anthropic.claude-code-2.1.1-linux-x64/resources/native-binary/x", id="extension"),
        case("node", "node /h/.cursor/extensions/saoudrizwan.claude-dev-3.2.1/dist/server.js", id="extension's script"),
        case("language_server_linux_x64", hosts=("server.codeium.com",), signer="Exafunction, Inc.", id="by signer"),
        case("python3", hosts=("us-central1-aiplatform.googleapis.com",), id="regional Vertex AI"),
        case("python3", hosts=("vpce-1.bedrock-runtime.eu-west-1.vpce.amazonaws.com",), id="Bedrock's own address"),
        case("python3", hosts=("bedrock-runtime-fips.us-east-1.amazonaws.com",), id="Bedrock, another name"),
        case("python3", hosts=("acme.services.ai.azure.com",), id="Azure AI Foundry"),
        case("python3", hosts=("dashscope-finance.aliyuncs.com",), id="DashScope's regions"),
        case("java", hosts=("eu.api.openai.com.",), id="region before the host"),
        case(
            "code", "code .", files=("/h/.vscode/extensions/github.copilot-1.2.3/package.json",), id="code's extension"
        ),
        case("/opt/app", unit="lab_ollama_1", reached=(("127.0.0.1", 11434),), id="container of a project"),
        case("/opt/app", unit="lab-ollama-1", modules=("/x/libggml-cpu-haswell.so",), id="container and library"),
        case("python3", modules=("/x/ggml-cpu-alderlake.dll",), id="a variant of ggml"),
        case("python3", files=("/m/gemma.litertlm",), id="a newer model format"),
        case("/usr/bin/warp-terminal", hosts=("app.warp.dev",), id="a terminal with an agent"),
    ],
)
def test_an_agent_by_its_form(image: str, line: str, more: dict[str, Any]) -> None:
    assert tier_of(image, line, more) is Tier.AGENT
