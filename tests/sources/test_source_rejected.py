import json
from pathlib import Path

import pytest

from leeway.sources.auditd import Auditd
from leeway.sources.places import Place
from leeway.sources.records import Rejected, rejected

PLANTED = "planted0123456789"
HEAD = "node=ws1 type=%s msg=audit(1772445600.100:50): "


def hexed(text: str) -> str:
    return text.encode().hex().upper()


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(json.dumps({"args": ["curl", "--token", PLANTED]}), id="list of arguments"),
        pytest.param(json.dumps({"args": ["curl", "-u", f"ana:{PLANTED}"]}), id="short option in a list"),
        pytest.param(json.dumps({"args": ["x", "--db-password", f"{PLANTED}\\\\z"]}), id="backslash in a value"),
        pytest.param(json.dumps(json.dumps(["x", "--api-key", PLANTED])), id="list within a text"),
        pytest.param('{"a":"--passw\\u006frd=' + PLANTED + '"}', id="letter spelt as a number"),
        pytest.param('{"a":"\\u0042earer ' + PLANTED + '"}', id="first letter spelt as a number"),
        pytest.param('{"a":"x?b=1\\u0026token=' + PLANTED + '"}', id="as Go spells an ampersand"),
        pytest.param('{"args":["--token","' + PLANTED, id="cut short"),
    ],
)
def test_no_secret_is_kept_of_a_refused_record(record: str) -> None:
    kept = rejected(7, record.encode(), f"what is this: {record}")
    assert PLANTED not in kept.record
    assert PLANTED not in kept.reason
    assert "<secret>" in kept.record


@pytest.mark.parametrize(
    "record",
    [
        pytest.param('{"args":["python3","-m","vllm","--port","8000"]}', id="arguments"),
        pytest.param('{"user":"ana","key":"v"}', id="fields"),
        pytest.param("\\u00e9\\u0007", id="spelt for a reason"),
    ],
)
def test_what_is_no_secret_is_kept(record: str) -> None:
    assert rejected(7, record.encode(), "why") == Rejected("7", record, "why")


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(HEAD % "EXECVE" + f'argc=3 a0="curl" a1="--token" a2="{PLANTED}"', id="arguments"),
        pytest.param(HEAD % "EXECVE" + f"argc=1 a0={hexed('Authorization: Bearer ' + PLANTED)}", id="hexadecimal"),
        pytest.param(HEAD % "EXECVE" + f"argc=1 a0_len=9000 a0[0]={hexed(PLANTED)}", id="piece of an argument"),
        pytest.param(HEAD % "PROCTITLE" + f"proctitle={hexed('curl --token ' + PLANTED)}", id="title"),
        pytest.param("tle=" + hexed("curl --token " + PLANTED), id="torn line"),
        pytest.param(
            HEAD % "AUOMS_EXECVE" + f'syscall=execve success=yes cmdline="x "--token" {PLANTED}"', id="folded"
        ),
    ],
)
def test_of_an_audit_record_that_is_refused_no_argument_is_kept(tmp_path: Path, line: str) -> None:
    log = tmp_path / "audit.log"
    log.write_text(f"{line}\n")
    ((_, found),) = Auditd(Place(log)).read()
    assert isinstance(found, Rejected)
    assert PLANTED not in found.record
    assert hexed(PLANTED) not in found.record
    assert "<not kept>" in found.record
