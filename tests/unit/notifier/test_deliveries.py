"""The life of a delivery: what may have arrived is never sent again by itself."""

from datetime import UTC, datetime, timedelta

import pytest

from placet_notifier.deliveries import (
    GIVE_UP_AFTER,
    Accepted,
    Later,
    Outcome,
    Refused,
    Unknown,
    Unusable,
    after,
    delivery_id,
    moot,
    recovered,
    require_resendable,
)
from placet_notifier.errors import NotResendableError

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Accepted("250 OK"), "sent"),
        (Later("451 later"), "queued"),
        (Refused("550 no such user"), "failed"),
        (Unusable("535 wrong password"), "held"),
        (Unknown("the connection was lost"), "uncertain"),
    ],
)
def test_each_outcome_has_its_state(outcome: Outcome, state: str) -> None:
    step = after(outcome, 1, NOW, NOW, 0.5)
    assert step.state == state
    assert (step.next_at is not None) == (state in ("queued", "held"))


def test_the_servers_words_are_kept() -> None:
    assert after(Refused("550 5.1.1 no such user"), 1, NOW, NOW, 0).reason == "550 5.1.1 no such user"


def test_trying_again_has_an_end() -> None:
    step = after(Later("451 later"), 40, NOW - GIVE_UP_AFTER, NOW, 0)
    assert (step.state, step.reason) == ("failed", "given up after 40 attempts: 451 later")


def test_what_was_handed_over_is_not_sent_again_when_its_process_is_gone() -> None:
    assert recovered(True, NOW).state == "uncertain"
    assert recovered(False, NOW).state == "queued"


def test_an_uncertain_mail_says_what_to_do() -> None:
    reason = str(recovered(True, NOW).reason)
    assert reason.endswith("it may have arrived: ask, then `placet notification resend`")


def test_nobody_is_asked_about_what_is_over() -> None:
    assert moot(False, None, NOW) is None
    assert moot(False, NOW + timedelta(seconds=1), NOW) is None
    for step in (moot(True, None, NOW), moot(False, NOW, NOW)):
        assert step is not None
        assert step.state == "failed"
        assert str(step.reason).startswith("not sent: ")


@pytest.mark.parametrize("state", ["uncertain", "failed", "held"])
def test_a_person_may_send_again_what_did_not_surely_arrive(state: str) -> None:
    require_resendable(state, False)


def test_a_sent_mail_is_sent_again_by_force_alone() -> None:
    require_resendable("sent", True)
    with pytest.raises(NotResendableError, match="say so with force"):
        require_resendable("sent", False)


@pytest.mark.parametrize("state", ["queued", "sending"])
@pytest.mark.parametrize("force", [True, False])
def test_what_is_on_its_way_is_not_sent_again(state: str, force: bool) -> None:
    with pytest.raises(NotResendableError, match=f"the notification is {state}"):
        require_resendable(state, force)


def test_a_delivery_has_one_id_for_each_cause_channel_and_recipient() -> None:
    one = delivery_id("run-finished/1", "email", "Bob@corp.example")
    assert one == delivery_id("run-finished/1", "email", "bob@corp.example")
    others = [("run-finished/2", "email", "bob@corp.example"), ("run-finished/1", "webhook", "bob@corp.example")]
    assert len({one, *(delivery_id(*other) for other in others)}) == 3
