"""The HTTP client against a server that answers what a test says, over real sockets."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from placet_cli.client import PATIENCE_SECONDS, Client
from placet_cli.errors import CommandError
from placet_cli.target import Target
from tests.support.ports import free_port

CUT = None
"""An answer that never comes: the connection is closed."""


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes = b"{}"


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Server:
    """Gives its answers one by one, the last of them for ever."""

    url: str
    answers: list[Answer | None] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def next(self) -> Answer | None:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Time:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@contextmanager
def serving(port: int = 0) -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            server.asked.append(Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            given = server.next()
            if given is None:
                self.close_connection = True
                return
            self.send_response(given.status)
            self.send_header("content-length", str(len(given.body)))
            self.end_headers()
            self.wfile.write(given.body)

        def log_message(self, *_words: object) -> None:
            """Says nothing."""

    for method in ("GET", "POST", "PUT", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.answer)
    with listening(Handler, port) as url:
        server = Server(url)
        yield server


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler], port: int = 0) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as http:
        threading.Thread(target=http.serve_forever, args=[0.02], daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


@pytest.fixture(name="server")
def running_server() -> Iterator[Server]:
    with serving() as running:
        yield running


def client(url: str, time: Time | None = None, told: Callable[[str], None] = lambda _line: None) -> Client:
    time = time or Time()
    return Client(Target(url, "placet_abc"), time.clock, time.sleep, told)


def problem(status: int, **document: Any) -> Answer:
    return Answer(status, json.dumps({"status": status, **document}).encode())


def test_a_call_carries_the_token_and_quotes_what_people_write(server: Server) -> None:
    server.answers = [Answer(body=b'{"id": "r1"}')]
    assert client(server.url).get("runs", "a?b c", state="open", job=None) == {"id": "r1"}
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("GET", "/api/v1/runs/a%3Fb%20c?state=open")
    assert asked.headers["authorization"] == "Bearer placet_abc"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b"])
def test_what_would_lead_elsewhere_is_not_asked_for(name: str, server: Server) -> None:
    with pytest.raises(CommandError, match="is no name and no id"):
        client(server.url).delete("jobs", name)
    assert server.asked == []


def test_a_list_is_read_to_its_last_page(server: Server) -> None:
    server.answers = [Answer(body=b'{"items": [1, 2], "next": "c"}'), Answer(body=b'{"items": [3], "next": null}')]
    assert client(server.url).items("runs", job="people") == [1, 2, 3]
    assert [one.path for one in server.asked] == [
        "/api/v1/runs?limit=500&job=people",
        "/api/v1/runs?cursor=c&limit=500&job=people",
    ]


def test_the_first_of_a_long_list_say_where_it_goes_on(server: Server) -> None:
    pages = [json.dumps({"items": [0] * count, "next": "c"}).encode() for count in (500, 200)]
    server.answers = [Answer(body=page) for page in pages]
    assert client(server.url).first(700, "runs") == {"items": [0] * 700, "next": "c"}
    assert [one.path for one in server.asked] == ["/api/v1/runs?limit=500", "/api/v1/runs?cursor=c&limit=200"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 422, 500])
def test_a_problem_document_is_said_with_its_field_and_not_tried_again(status: int, server: Server) -> None:
    server.answers = [problem(status, title="No", detail="workflow one: nobody is named ada", field="stages.0")]
    with pytest.raises(CommandError, match="nobody is named ada") as raised:
        client(server.url).post("apply", body={})
    assert (raised.value.code, raised.value.field, len(server.asked)) == (1, "stages.0", 1)


def test_a_problem_without_a_detail_has_a_title(server: Server) -> None:
    server.answers = [problem(403, title="This needs the role operator")]
    with pytest.raises(CommandError, match=r"^This needs the role operator$"):
        client(server.url).get("runs")


@pytest.mark.parametrize(
    "answer", [Answer(404, b"<h1>nginx</h1>"), Answer(200, b"<h1>hello</h1>"), Answer(302, b""), Answer(500, b"")]
)
def test_what_is_not_placet_is_said_to_be_another_server(answer: Answer, server: Server) -> None:
    server.answers = [answer]
    with pytest.raises(CommandError, match=f"answered {answer.status}, not as Placet does; is the address right"):
        client(server.url).get("runs")


@pytest.mark.parametrize("away", [problem(502), problem(503), CUT])
def test_a_server_that_starts_again_is_asked_again_under_the_same_key(away: Answer | None, server: Server) -> None:
    server.answers = [away, away, Answer(body=b'{"id": "r1"}')]
    assert client(server.url).post("runs", body={"job": "people"}) == {"id": "r1"}
    keys = {one.headers["idempotency-key"] for one in server.asked}
    assert (len(server.asked), len(keys)) == (3, 1)
    assert {one.body for one in server.asked} == {server.asked[0].body}


def test_each_write_has_a_key_of_its_own_and_reads_have_none(server: Server) -> None:
    server.answers = [Answer()]
    calls = client(server.url)
    calls.post("runs", body={})
    calls.put("providers", "hr", body={})
    calls.delete("jobs", "people")
    calls.get("runs")
    keys = [one.headers.get("idempotency-key") for one in server.asked]
    assert (len({*keys[:3]} - {None}), keys[3]) == (3, None)


def test_after_half_a_minute_the_last_answer_counts(server: Server) -> None:
    time = Time()
    server.answers = [problem(503, detail="the scheduler does not answer")]
    with pytest.raises(CommandError, match="the scheduler does not answer"):
        client(server.url, time).get("runs")
    assert time.now == pytest.approx(PATIENCE_SECONDS, abs=1)


def test_a_refused_connection_is_tried_for_half_a_minute_and_then_explained() -> None:
    time, told = Time(), list[str]()
    with pytest.raises(CommandError, match=r"http://127.0.0.1:\d+ does not answer \(connection refused\); see `placet"):
        client(f"http://127.0.0.1:{free_port()}", time, told.append).get("runs")
    assert time.now == pytest.approx(PATIENCE_SECONDS, abs=1)
    assert [line.split(",")[0].rpartition(":")[0] for line in told] == ["waiting for http://127.0.0.1"]


def test_a_name_that_is_not_known_is_not_waited_for() -> None:
    time, told = Time(), list[str]()
    with pytest.raises(CommandError, match=r"does not answer \(the host is not known\); check the address"):
        client("http://nobody.invalid", time, told.append).get("runs")
    assert (time.now, told) == (0, [])


def test_what_does_not_speak_tls_is_not_waited_for(server: Server) -> None:
    time = Time()
    with pytest.raises(CommandError, match=r"does not answer \(it does not speak TLS there; is it http://\?\)"):
        client(server.url.replace("http:", "https:"), time).get("runs")
    assert time.now == 0


def test_an_answer_without_a_document_is_one_where_there_is_nothing_to_say(server: Server) -> None:
    server.answers = [Answer(204, b"")]
    assert client(server.url).post("users", "ann", "tokens", "1", "revoke") is None


def test_a_server_that_comes_late_is_found() -> None:
    port, time = free_port(), Time()
    calls = client(f"http://127.0.0.1:{port}", time)

    with pytest.raises(CommandError):
        calls.get("runs")
    with serving(port) as server:
        server.answers = [Answer(body=b"[]")]
        assert calls.get("runs") == []


def test_an_answer_that_takes_too_long_is_not_waited_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("placet_cli.client.REQUEST_SECONDS", 0.2)
    reached, done = threading.Event(), threading.Event()

    class Slow(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            reached.set()
            done.wait(10)

    with listening(Slow) as url:
        with pytest.raises(CommandError, match="does not answer"):
            client(url).post("runs", body={})
        assert reached.is_set()
        done.set()
