"""The webhook: where it refuses to go, what it posts, what it makes of answers, and TLS as it is."""

import json
import socket
from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from leeway.errors import InvalidConfigError
from leeway.sinks import Activity, Answer, Network, Parcel, Receipt, Told, outlet_of, parse_target
from leeway.sinks.outlet import Outlet, failure
from leeway.sinks.webhook import BODY_BYTES, Address, Webhook
from sinks.sink_samples import INSIDE, OUTSIDE, PLAIN, hostile
from sinks.sink_servers import CERTIFICATE, Talk, answering, serving, status


def parcel(number: int = 0, **changes: object) -> Parcel:
    told = Told(Activity.CREATE, 1, f"{number:032x}")
    return Parcel(replace(PLAIN, finding_id=f"f{number}", **changes), told)


def unreachable(_address: str, _port: int) -> socket.socket:
    raise AssertionError("a connection was made")


def hook(resolved: list[str], connector: Callable[[str, int], socket.socket] = unreachable) -> Outlet:
    network = Network(resolver=lambda *_: resolved, connector=connector)
    return Webhook(Address("hooks.example.org", 443, "/"), network)


@pytest.mark.parametrize("address", INSIDE)
def test_no_byte_goes_to_an_address_inside(address: str) -> None:
    receipt = hook([address]).send([parcel()])
    assert receipt == Receipt(Answer.LATER, "its name leads to an address that is not public")


def test_one_address_inside_among_others_is_enough_to_refuse() -> None:
    receipt = hook([*OUTSIDE, "10.0.0.1"]).send([parcel()])
    assert receipt.reason == "its name leads to an address that is not public"


def test_the_name_is_resolved_once_and_the_connection_is_to_what_was_checked() -> None:
    answers = iter([["8.8.8.8"], ["127.0.0.1"]])
    reached: list[tuple[str, int]] = []

    def connector(address: str, port: int) -> socket.socket:
        reached.append((address, port))
        raise ConnectionRefusedError

    network = Network(resolver=lambda *_: next(answers), connector=connector)
    receipt = Webhook(Address("rebinding.example.org", 443, "/"), network).send([parcel()])
    assert (reached, receipt) == ([("8.8.8.8", 443)], Receipt(Answer.LATER, "connection refused"))
    assert next(answers) == ["127.0.0.1"]


def posted(
    talk: Talk, *parcels: Parcel, name: str = "localhost", token: str = "", form: str = ""
) -> tuple[Receipt, bytes]:
    """Post parcels over real TLS to a server that answers by a talk; return the receipt and what it got."""
    with serving(talk) as (port, received):
        network = Network(allows_private=True, authority=CERTIFICATE, resolver=lambda *_: ["127.0.0.1"]).checked()
        target = parse_target(f"{form}https://{name}:{port}/in?key=k", allows_private=True)
        receipt = outlet_of(target, network, token).send(parcels)
    return receipt, b"".join(received)


def test_a_post_as_the_server_gets_it() -> None:
    receipt, got = posted(status(204), parcel(1), token="t0ken")  # noqa: S106  # of the test
    head, _, body = got.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert receipt == Receipt(Answer.SENT)
    assert lines[0] == "POST /in?key=k HTTP/1.1"
    assert lines[1].startswith("Host: localhost:")
    assert f"Leeway-Delivery: {1:032x}" in lines
    assert "Authorization: Bearer t0ken" in lines
    (found,) = json.loads(body)["findings"]
    assert (found["finding_id"], found["activity"], found["case_days"]) == ("f1", "create", 1)
    assert found["delivery"] == f"{1:032x}"


def test_ocsf_goes_as_an_array() -> None:
    receipt, got = posted(status(200), parcel(1), parcel(2), form="ocsf+")
    records = json.loads(got.partition(b"\r\n\r\n")[2])
    assert receipt.answer is Answer.SENT
    assert [one["metadata"]["uid"] for one in records] == [f"{1:032x}", f"{2:032x}"]
    assert b"Authorization" not in got


def test_several_have_an_id_of_their_own_that_stays() -> None:
    ids = [
        next(line for line in posted(status(200), *parcels)[1].decode().split("\r\n") if line.startswith("Leeway-Del"))
        for parcels in ((parcel(1), parcel(2)), (parcel(1), parcel(2)), (parcel(1), parcel(3)))
    ]
    assert ids[0] == ids[1] != ids[2]


def test_hostile_text_cannot_leave_the_body() -> None:
    found = hostile('\r\n\r\nGET / HTTP/1.1\r\nX: "y"')
    receipt, got = posted(status(200), Parcel(found, Told(Activity.CREATE, 1, "d" * 32)))
    assert receipt.answer is Answer.SENT
    assert got.count(b"\r\n\r\n") == 1


@pytest.mark.parametrize(
    ("talk", "receipt"),
    [
        pytest.param(
            status(302, "Location: https://169.254.169.254/"),
            Receipt(Answer.REFUSED, "answered 302: redirects are not followed"),
            id="redirect",
        ),
        pytest.param(status(401), Receipt(Answer.REFUSED, "answered 401"), id="not allowed"),
        pytest.param(status(410), Receipt(Answer.REFUSED, "answered 410"), id="gone"),
        pytest.param(status(400), Receipt(Answer.SPLIT, "answered 400"), id="bad record"),
        pytest.param(status(413), Receipt(Answer.SPLIT, "answered 413"), id="too large"),
        pytest.param(status(500), Receipt(Answer.LATER, "answered 500"), id="server error"),
        pytest.param(status(408), Receipt(Answer.LATER, "answered 408"), id="timed out there"),
        pytest.param(
            status(429, "Retry-After: 120"), Receipt(Answer.LATER, "answered 429", timedelta(minutes=2)), id="seconds"
        ),
        pytest.param(
            status(503, "Retry-After: 99999999"),
            Receipt(Answer.LATER, "answered 503", timedelta(hours=6)),
            id="bounded",
        ),
        pytest.param(
            status(503, "Retry-After: Mon, 10 Mar 2025 09:10:00 +" + "9" * 20),
            Receipt(Answer.LATER, "answered 503"),
            id="date in a zone of twenty digits",
        ),
        pytest.param(status(503, "Retry-After: soon"), Receipt(Answer.LATER, "answered 503"), id="unreadable"),
        pytest.param(
            status(503, "Date: Mon, 10 Mar 2025 09:00:00 GMT", "Retry-After: Mon, 10 Mar 2025 09:10:00 GMT"),
            Receipt(Answer.LATER, "answered 503", timedelta(minutes=10)),
            id="date",
        ),
        pytest.param(
            status(503, "Retry-After: Mon, 10 Mar 2025 09:10:00 GMT"),
            Receipt(Answer.LATER, "answered 503"),
            id="date alone",
        ),
        pytest.param(
            answering(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\n\r\n"), Receipt(Answer.SENT), id="interim"
        ),
        pytest.param(answering(b"SSH-2.0-x\r\n\r\n"), Receipt(Answer.LATER, "no HTTP answer"), id="another protocol"),
        pytest.param(
            answering(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000),
            Receipt(Answer.LATER, "no HTTP answer"),
            id="endless head",
        ),
        pytest.param(answering(b""), Receipt(Answer.LATER, "no HTTP answer"), id="nothing"),
    ],
)
def test_answers(talk: Talk, receipt: Receipt) -> None:
    told, _ = posted(talk, parcel())
    assert told.answer is receipt.answer
    assert told.wait == receipt.wait
    assert told.reason in {receipt.reason, "connection lost"}
    assert "SECRET" not in told.reason


def test_the_certificate_must_name_the_host() -> None:
    with serving(status(200)) as (port, received):
        network = Network(allows_private=True, authority=CERTIFICATE, resolver=lambda *_: ["127.0.0.1"])
        told = Webhook(Address("other.example", port, "/"), network).send([parcel()])
    assert told == Receipt(Answer.LATER, "certificate not trusted")
    assert received == []


def test_the_certificate_must_be_trusted() -> None:
    with serving(status(200)) as (port, received):
        network = Network(allows_private=True, resolver=lambda *_: ["127.0.0.1"])
        told = Webhook(Address("localhost", port, "/"), network).send([parcel()])
    assert told == Receipt(Answer.LATER, "certificate not trusted")
    assert received == []


def test_an_address_is_held_to_its_certificate_as_well() -> None:
    assert posted(status(200), parcel(), name="127.0.0.1")[0].answer is Answer.SENT


def test_plain_http_is_no_tls() -> None:
    with serving(answering(b""), tls=False) as (port, _):
        network = Network(allows_private=True, authority=CERTIFICATE, resolver=lambda *_: ["127.0.0.1"])

        def connector(address: str, _: int) -> socket.socket:
            near = socket.create_connection((address, port), timeout=2)
            near.sendall(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
            return near

        network = Network(allows_private=True, resolver=network.resolver, connector=connector)
        told = Webhook(Address("localhost", port, "/"), network).send([parcel()])
    assert told.answer is Answer.LATER


def test_portions_are_bounded() -> None:
    outlet = hook(["8.8.8.8"])
    small = [parcel(number) for number in range(250)]
    assert [len(one) for one in outlet.batches(small)] == [100, 100, 50]
    large = [parcel(number, command_line="x" * 200_000) for number in range(12)]
    assert isinstance(outlet, Webhook)
    portions = outlet.batches(large)
    assert [one.finding.finding_id for portion in portions for one in portion] == [f"f{n}" for n in range(12)]
    assert max(len(outlet._body(portion)) for portion in portions) <= BODY_BYTES  # noqa: SLF001  # what goes out
    huge = outlet.batches([parcel(1, command_line="\u202e" * 2_000_000)])
    assert len(outlet._body(huge[0])) < BODY_BYTES  # noqa: SLF001  # likewise
    assert outlet.batches([]) == []


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError("secret.example"), "connection refused"),
        (TimeoutError("secret.example"), "timed out"),
        (socket.gaierror(-2, "secret.example"), "name not resolved"),
        (ConnectionResetError("secret.example"), "connection lost"),
        (OSError("secret.example"), "connection failed"),
    ],
    ids=["refused", "slow", "unknown", "reset", "other"],
)
def test_failures_are_told_in_our_own_words(error: OSError, words: str) -> None:
    def failing(_address: str, _port: int) -> socket.socket:
        raise error

    assert failure(error) == words
    assert hook(["8.8.8.8"], failing).send([parcel()]) == Receipt(Answer.LATER, words)


def test_a_webhook_of_another_form_is_refused() -> None:
    with pytest.raises(InvalidConfigError):
        parse_target("cef:https://hooks.example.org/")
