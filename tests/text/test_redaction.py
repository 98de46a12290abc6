from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leeway.text import redact
from strategies import texts

# Made up; no character of them was ever a key.
WORD = "Zq9" + "x7Kp" * 6


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param(f"x --api-key {WORD}", "x --api-key <secret>", id="option"),
        pytest.param(f"x --api-key={WORD} -v", "x --api-key=<secret> -v", id="option with equals"),
        pytest.param(f"OPENAI_API_KEY={WORD} run", "OPENAI_API_KEY=<secret> run", id="environment"),
        pytest.param(f'{{"password": "{WORD}"}}', '{"password": "<secret>"}', id="json"),
        pytest.param(f"https://ana:{WORD}@h.example/x", "https://ana:<secret>@h.example/x", id="address with password"),
        pytest.param(f"https://h.example/?sig={WORD}&b=1", "https://h.example/?sig=<secret>&b=1", id="query"),
        pytest.param(f"Authorization: Bearer {WORD}", "Authorization: Bearer <secret>", id="header"),
        pytest.param(f"bearer {WORD}", "bearer <secret>", id="bearer alone"),
        pytest.param(f"run sk-{WORD}", "run <secret>", id="sk- key"),
        pytest.param(f"run ghp_{WORD}", "run <secret>", id="repository token"),
        pytest.param("run AKIAABCDEFGHIJKLMNOP", "run <secret>", id="cloud key id"),
        pytest.param(f"run eyJ{WORD}.{WORD}.{WORD}", "run <secret>", id="signed web token"),
        pytest.param("git status --short", "git status --short", id="nothing secret"),
        pytest.param(
            "python tokenizer.py --max-tokens 512", "python tokenizer.py --max-tokens 512", id="token counts stay"
        ),
    ],
)
def test_secrets_of_known_shape_are_taken_out(text: str, kept: str) -> None:
    assert redact(text) == kept


# What no rule names by its vendor is told by its place; each is made up.
HIDDEN = (
    f'{{"SecretAccessKey": "{WORD}"}}',
    f'"{{\\"api_key\\":\\"{WORD}\\"}}"',
    f"{{'password': '{WORD}'}}",
    f'x --password "two {WORD} words"',
    f"'token' => '{WORD}'",
    f"x --accessToken {WORD}",
    f"password : {WORD}",
    f"DefaultEndpointsProtocol=https;AccountKey={WORD}==;EndpointSuffix=e",
    f"Endpoint=sb://h;SharedAccessKey={WORD}=",
    f"PGPASSWORD={WORD} psql",
    f"DB_PASS={WORD} x",
    f"DJANGO_SECRET_KEY='{WORD}'",
    f"openssl enc -pass pass:{WORD}",
    f"cmdkey /add:h /pass:{WORD}",
    f"x --pin {WORD}",
    f"https://h/x?key={WORD}&b=1",
    f"https://h/x?X-Amz-Signature={WORD}&b=1",
    f"https://h/x?password%3D{WORD}",
    f"git clone https://{WORD}@h/x",
    f"git clone https://{WORD}:x-oauth-basic@h/x",
    f"x https://u:p@{WORD}@h/x",
    f"curl -u ana:{WORD} h",
    f"curl --user 'ana:{WORD}' h",
    f"curl -b sid={WORD} h",
    f"curl -H 'Cookie: a=b; session={WORD}' h",
    f"Set-Cookie: sid={WORD}; Path=/",
    f"curl -H 'Authorization: Digest username=a, response={WORD}' h",
    f"curl https://hooks.slack.com/services/T0/B0/{WORD}",
    f"curl https://discord.com/api/webhooks/1234/{WORD}",
    f"curl https://api.telegram.org/bot123456789:{WORD}{WORD}/getMe",
    f"mysql -uroot -p{WORD} db",
    f"sshpass -p {WORD} ssh h, sshpass -p {WORD} ssh h",
    f"docker login -u a -p {WORD} h",
    f"echo {WORD} | docker login --password-stdin",
    f"net user ana {WORD} /add",
    f"net use x /user:d\\u {WORD}",
    f"ConvertTo-SecureString '{WORD}' -AsPlainText",
    f"kubectl create secret generic x --from-literal=a={WORD}",
    f"x xapp-1-{WORD}",
    f"x ya29.{WORD}",
    f"x GOCSPX-{WORD}",
    f"x whsec_{WORD}",
    f"x SG.{WORD}.{WORD}",
    f"x hvs.{WORD}",
    f"x --token -{WORD}",
    f"x --token=-{WORD}",
    f"x --token /{WORD}",
    f"x --password=/{WORD}",
    f"x --pin -{WORD}",
    f"curl -H 'X-Auth: Bearer /{WORD}' h",
    f"curl -H 'X-Auth: Bearer -{WORD}' h",
    f"x lin_api_{WORD}",
    f"x dckr_pat_{WORD}",
    f"x pplx-{WORD}",
    f"x r8_{WORD}",
    f"x secret_{WORD}",
    f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{WORD}",
    f"-----BEGIN OPENSSH PRIVATE KEY-----\\n{WORD}\\n",
)


@pytest.mark.parametrize(
    "text", HIDDEN, ids=lambda text: text.replace(WORD, "…")[:50].encode("unicode_escape").decode()
)
def test_nothing_of_a_secret_is_left(text: str) -> None:
    once = redact(text)
    assert WORD not in once
    assert "<secret>" in once
    assert redact(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "hf_hub_download(repo)",
        "npm_config_registry=https://r.example/x",
        "docker run -u 1000:1000 image",
        "runas /user:admin cmd.exe",
        "https://cdn.example/react@18.2.0",
        "ps aux | grep secret | wc",
        "apt install libsecret-tools keyboard-layouts",
        "compass=north spin:up",
        "claude --print --session-id 0b5f3c1e-7d62-4a0f-9c55-1c2d3e4f5a6b --permission-mode acceptEdits",
        "codex exec --sandbox workspace-write --model o5",
        "llama-server --ctx-size 8192 --port 8080 --model /srv/models/chat.gguf",
        "python -m vllm.entrypoints.openai.api_server --model qwen --tokenizer qwen --max-num-batched-tokens 4096",
        "git -c credential.helper=store fetch --prune origin",
        "C:\\Windows\\system32\\svchost.exe -k netsvcs -p -s BITS",
        r"reg add HKLM\SYSTEM\Control\SecurityProviders\WDigest /v UseLogonCredential /t REG_DWORD /d 1",
        "x --password -x",
        "x --password --long-option-without-end-2 y",
        "x --pin /quiet",
        "x --pin --keep",
        "cmdkey /generic credential /user:ana",
        "x --auth-type bearer --endpoint-of-it y",
        "x --auth-type bearer /endpoint-of-it y",
    ],
)
def test_words_that_only_look_like_it_stay(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "piece",
    [
        *("eyJ-", "://a:", "token=", 'token="', "mysql -", "net use /user:", "echo a|", "cookie=a;", "-----BEGIN "),
        *("1:", "token /", f"token /{'a' * 28}:", "token -a", "token -1aaaaaaaaaaaaaa<", "bearer /a", "--pin -"),
    ],
)
def test_no_line_takes_long(piece: str) -> None:
    started = process_time()
    redact(piece * (32_768 // len(piece)))
    assert process_time() - started < 0.5


@example("--token --token x")
@example("password : <secret>")
@example("token=<sec")
@example("token /token /t x")
@example("token /a<secret>")
@example("bearer -a1234567890123456")
@example("password: <secret>")
@given(st.text() | texts(200))
def test_redacting_is_idempotent_and_bounded(text: str) -> None:
    once = redact(text)
    assert redact(once) == once
    assert len(once) <= 32_768


def test_the_longest_text_is_cut() -> None:
    assert len(redact("a" * 1_048_576)) == 32_768
