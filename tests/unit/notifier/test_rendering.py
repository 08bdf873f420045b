"""How mails look, as far as it can be told without eyes."""

from html.parser import HTMLParser

import pytest

from placet_notifier.rendering import Renderer
from placet_shared.events import Counts, Results
from tests.support.notifier import a_request, a_run_finished

HOSTILE = '</mj-text><script>alert(1)</script> & {{ 7*7 }} "><img src=x onerror=y> <mj-raw>'


class Page(HTMLParser):
    """The text of a page, and its tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def render() -> Renderer:
    return Renderer()


def test_results_say_the_same_in_text_and_html(render: Renderer) -> None:
    event = a_run_finished(
        results=Results(applied=300, failed=2),
        applied={"create": 300},
        counts=Counts(create=302),
        outcome="succeeded_with_errors",
        problems=("10017: failed", "10023: failed"),
    )
    mail = render(event)
    first, *rest = mail.text.splitlines()
    assert first == "Job people is done, with errors: 300 created, 2 failed"
    page = Page(mail.html)
    for words in ("10017: failed", f"placet run show {event.run_id}", "--result failed", "Asked for by ada"):
        assert words in "\n".join(rest)
        assert words in page.text
    assert "300 created" in page.text


def test_a_failed_run_gives_its_reason(render: Renderer) -> None:
    event = a_run_finished(outcome="failed", reason="the directory is down", results=Results(), applied={}, counts=None)
    mail = render(event)
    assert mail.subject == "[Placet] people: failed"
    assert mail.text.startswith("Job people failed\n\nNothing was changed.\n\nReason: the directory is down\n")
    assert "the directory is down" in Page(mail.html).text


def test_an_approver_gets_the_commands(render: Renderer) -> None:
    request = a_request(counts=Counts(create=3, rejected=4))
    mail = render(request)
    commands = (
        f"placet run changes {request.run_id} --result rejected",
        f"placet request approve {request.request_id}",
        f'placet request deny {request.request_id} --comment "…"',
        f"placet run changes {request.run_id}",
    )
    for command in commands:
        assert command in mail.text
        assert command in Page(mail.html).text


def test_nothing_of_others_becomes_markup(render: Renderer) -> None:
    finished = a_run_finished(
        outcome="failed", reason=HOSTILE, requested_by=HOSTILE, results=Results(failed=1), problems=(HOSTILE,)
    )
    for mail in (render(finished), render(a_request(requested_by=HOSTILE, reasons=(HOSTILE,)))):
        page = Page(mail.html)
        assert not {"script", "img", "mj-raw", "mj-text"} & page.tags
        assert HOSTILE in page.text
        assert HOSTILE in mail.text


def test_a_mail_loads_nothing_from_elsewhere(render: Renderer) -> None:
    for event in (a_run_finished(), a_request()):
        mail = render(event)
        assert Page(mail.html).links == []
        assert "@import" not in mail.html
        assert "url(" not in mail.html
