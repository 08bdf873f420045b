"""Events on the wire: topics, keys, headers and bodies, as other programs write and read them."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from placet_shared import topics
from placet_shared.chain import sha256
from placet_shared.envelope import (
    Message,
    RawHeaders,
    UnreadableMessageError,
    event_headers,
    pack_headers,
    read_envelope,
    unpack_headers,
)
from placet_shared.events import (
    EVENTS,
    BatchReady,
    Counts,
    Event,
    ObjectChanged,
    Results,
    RunCancelled,
    RunFinished,
    RunTriggered,
    UserChanged,
)
from tests.support.samples import NOON, SAMPLES, sample

_ENDED = "run_id job outcome reason trigger requested_by requested_at finished_at preview"

WIRE = {
    "run-triggers": ("job", "reason= preview="),
    "run-requested": ("run_id job trigger requested_by preview order", ""),
    "run-planned": ("run_id job preview digest counts order plan", ""),
    "approval-requested": (
        "run_id job request_id requested_by approvers need reasons counts digest expires_at signature",
        "kept_out= stores=",
    ),
    "run-approved": ("run_id request_id decided_by decision", "comment="),
    "run-denied": ("run_id request_id decided_by decision", "comment="),
    "run-cancelled": ("run_id cancelled_by reason signature", "unless_approved="),
    "batch-ready": ("run_id batch_id phase index", ""),
    "batch-applied": ("run_id batch_id phase index results", ""),
    "run-finished": (
        f"{_ENDED} counts results notify stores signature",
        "applied= problems= plan=",
    ),
    "notification-sent": ("run_id delivery_id recipient channel state", ""),
    "object-changed": ("kind name version object signature", "deleted="),
    "user-changed": ("name version signature", "deleted= email= groups= roles= disabled="),
}
"""The fields of each event: those that must be there, and those with a default. Who takes one away or asks for a new
one breaks readers and writers of `.v1`."""

ALL = list(SAMPLES)


def body_of(event: Event) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(event.model_dump_json(by_alias=True))
    return fields


# ---- topics ----------------------------------------------------------------------------------------------------------


def test_the_topics_are_those_of_the_interface() -> None:
    assert set(topics.ALL_TOPICS) == {f"placet.{name}" for name in [*WIRE, "dead-letters"]}
    assert len(topics.ALL_TOPICS) == len(set(topics.ALL_TOPICS)) == 14


def test_every_topic_but_the_dead_letters_has_one_event_of_its_own() -> None:
    assert set(EVENTS) == {f"placet.{name}.v1" for name in WIRE}
    assert {kind.topic for kind in EVENTS.values()} == set(topics.ALL_TOPICS) - {topics.DEAD_LETTERS}
    assert set(EVENTS.values()) == set(SAMPLES)


def test_compacted_are_the_topics_that_tell_the_state_of_the_world() -> None:
    assert {"placet.object-changed", "placet.user-changed"} == topics.COMPACTED


def test_the_end_of_a_run_answers_every_question_about_it() -> None:
    answers = {
        question.removeprefix("placet."): {answer.removeprefix("placet.") for answer in found}
        for question, found in topics.ANSWERS.items()
    }
    ended = {"run-finished"}
    assert answers == {
        "run-requested": ended,
        "run-planned": ended | {"approval-requested", "run-approved", "run-denied"},
        "run-approved": ended,
        "run-denied": ended,
        "run-cancelled": ended,
    }


@pytest.mark.parametrize("kind", ALL)
def test_the_key_keeps_together_what_must_stay_in_order(kind: type[Event]) -> None:
    """A run's events by its id; batches apart from each other, so that they spread; a state by what it is of."""
    apart = {RunTriggered: "people", BatchReady: "b1", ObjectChanged: "job/people", UserChanged: "ada"}
    assert sample(kind).key == apart.get(kind, "r1")


@pytest.mark.parametrize("kind", ALL)
def test_the_subject_is_what_answers_are_matched_by(kind: type[Event]) -> None:
    apart = {RunTriggered: "people", ObjectChanged: "job/people", UserChanged: "ada"}
    assert sample(kind).subject == apart.get(kind, "r1")


# ---- bodies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WIRE)
def test_the_fields_are_those_of_the_first_version(name: str) -> None:
    kind = EVENTS[f"placet.{name}.v1"]
    required, optional = WIRE[name]
    assert {field for field, info in kind.model_fields.items() if info.is_required()} == set(required.split())
    assert {f"{field}=" for field, info in kind.model_fields.items() if not info.is_required()} == set(optional.split())
    assert set(body_of(sample(kind))) == set(kind.model_fields)


@pytest.mark.parametrize("kind", ALL)
def test_an_event_comes_back_as_it_was_sent(kind: type[Event]) -> None:
    event = sample(kind)
    assert kind.model_validate_json(event.model_dump_json(by_alias=True)) == event


@pytest.mark.parametrize("kind", ALL)
def test_an_event_is_frozen(kind: type[Event]) -> None:
    event = sample(kind)
    with pytest.raises(ValidationError, match="frozen"):
        setattr(event, next(iter(kind.model_fields)), "other")


@pytest.mark.parametrize("kind", ALL)
def test_a_field_that_a_later_writer_adds_is_ignored(kind: type[Event]) -> None:
    event = sample(kind)
    assert kind.model_validate(body_of(event) | {"mood": "good"}) == event


@pytest.mark.parametrize(
    ("kind", "field"),
    [(kind, field) for kind in ALL for field, info in kind.model_fields.items() if info.is_required()],
    ids=lambda part: getattr(part, "__name__", part),
)
def test_a_missing_field_is_an_error_that_names_it(kind: type[Event], field: str) -> None:
    rest = {name: value for name, value in body_of(sample(kind)).items() if name != field}
    with pytest.raises(ValidationError, match=rf"\n{field}\n"):
        kind.model_validate(rest)


def test_a_trigger_from_outside_needs_no_more_than_a_job() -> None:
    assert RunTriggered.model_validate_json('{"job": "people"}') == RunTriggered(job="people", reason="", preview=False)
    told = '{"job": "people", "reason": "new hires loaded", "preview": false}'
    assert RunTriggered.model_validate_json(told).reason == "new hires loaded"


def test_times_are_written_in_utc() -> None:
    assert body_of(sample(RunFinished))["finished_at"] == "2027-01-04T12:05:00Z"


def test_counts_and_results_add_up() -> None:
    counts = Counts(create=1, update=2, move=4, disable=8, delete=16, unchanged=32, rejected=64, unlinked=128)
    assert counts.changes == 31
    assert (
        Results(applied=1, already_applied=2, conflict=4, failed=8, uncertain=16, skipped=32, expired=64).written == 3
    )


# ---- headers ---------------------------------------------------------------------------------------------------------


def message(event: Event, **other: bytes | None) -> Message:
    """As it would be sent, with other values of some headers (`ce_id`, …) or another `body`."""
    body = other.pop("body") if "body" in other else event.model_dump_json().encode()
    headers = [(name, other.pop(name, value)) for name, value in event_headers("e1", event, "scheduler", NOON)]
    return Message(event.topic, 3, 42, event.key.encode(), headers, body)


def test_the_headers_are_cloudevents_in_binary_mode() -> None:
    assert dict(event_headers("e1", sample(RunFinished), "sync-worker", NOON)) == {
        "ce_specversion": b"1.0",
        "ce_id": b"e1",
        "ce_type": b"placet.run-finished.v1",
        "ce_source": b"/placet/sync-worker",
        "ce_time": b"2027-01-04T12:00:00+00:00",
        "content-type": b"application/json",
    }


@pytest.mark.parametrize("kind", ALL)
def test_an_envelope_is_read_as_it_was_sent(kind: type[Event]) -> None:
    envelope = read_envelope(message(sample(kind)))
    assert (envelope.event_id, envelope.type, envelope.event) == ("e1", f"{kind.topic}.v1", sample(kind))


TRIGGER = RunTriggered(job="people")
UNREADABLE: dict[str, tuple[Message, str]] = {
    "no headers": (replace(message(TRIGGER), headers=[]), "the header ce_id is missing or null"),
    "null id": (message(TRIGGER, ce_id=None), "the header ce_id is missing or null"),
    "null type": (message(TRIGGER, ce_type=None), "the header ce_type is missing or null"),
    "id not UTF-8": (message(TRIGGER, ce_id=b"\xff"), "a header is not UTF-8"),
    "type not UTF-8": (message(TRIGGER, ce_type=b"\xff"), "a header is not UTF-8"),
    "empty id": (message(TRIGGER, ce_id=b""), "ce_id must have 1 to 200 characters"),
    "long id": (message(TRIGGER, ce_id=b"x" * 201), "ce_id must have 1 to 200 characters"),
    "NUL in the id": (message(TRIGGER, ce_id=b"a\0"), "ce_id must have 1 to 200 characters"),
    "another version": (message(TRIGGER, ce_type=b"placet.run-triggers.v2"), "placet.run-triggers.v2 is unknown here"),
    "no version": (message(TRIGGER, ce_type=b"placet.run-triggers"), "the type placet.run-triggers is unknown here"),
    "type of another topic": (
        replace(message(sample(BatchReady)), topic="placet.run-triggers"),
        "a placet.batch-ready.v1 does not belong on placet.run-triggers",
    ),
    "no body": (message(TRIGGER, body=None), "placet.run-triggers.v1: is no JSON"),
    "not JSON": (message(TRIGGER, body=b"job: people"), "placet.run-triggers.v1: is no JSON"),
    "null": (message(TRIGGER, body=b"null"), "placet.run-triggers.v1: should be a group of fields"),
    "a list": (message(TRIGGER, body=b'["people"]'), "placet.run-triggers.v1: should be a group of fields"),
    "not UTF-8": (message(TRIGGER, body=b'{"job": "\xff"}'), "placet.run-triggers.v1: is no JSON"),
    "field missing": (message(TRIGGER, body=b"{}"), "placet.run-triggers.v1: job: is missing"),
    "field null": (
        message(TRIGGER, body=b'{"job": null}'),
        "placet.run-triggers.v1: job: should be text",
    ),
    "part of a field": (
        message(
            sample(RunFinished), body=json.dumps(body_of(sample(RunFinished)) | {"counts": {"move": "x"}}).encode()
        ),
        "placet.run-finished.v1: counts.move: should be a whole number",
    ),
    "another outcome": (
        message(sample(RunFinished), body=json.dumps(body_of(sample(RunFinished)) | {"outcome": "fine"}).encode()),
        "placet.run-finished.v1: outcome: should be 'succeeded'",
    ),
    "NUL in a field": (message(TRIGGER, body=b'{"job": "a\\u0000b"}'), "has a NUL character in it"),
    "NUL behind a backslash": (message(TRIGGER, body=b'{"job": "a\\\\\\u0000b"}'), "has a NUL character in it"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_says_why(name: str) -> None:
    bad, words = UNREADABLE[name]
    with pytest.raises(UnreadableMessageError) as raised:
        read_envelope(bad)
    assert words in str(raised.value)


def test_what_is_wrong_is_told_without_the_values() -> None:
    """Reasons are kept and published; a secret in the wrong field is not."""
    body = b'{"run_id": {"password": "hush"}, "cancelled_by": "ada", "reason": "", "signature": ""}'
    with pytest.raises(UnreadableMessageError) as raised:
        read_envelope(message(sample(RunCancelled), body=body))
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"ce_time": None, "ce_source": b"\xff", "ce_specversion": b"9", "content-type": b"text/plain"},
        {"ce_id": b"x" * 200},
        {"ce_id": "zażółć".encode()},
        {"body": b'{"job": "people", "later": {"deep": [1]}}'},
        {"body": b'{"job": "people", "reason": "a word that is \\\\u0000, not a NUL"}'},
    ],
    ids=str,
)
def test_what_does_not_matter_does_not_matter(changes: dict[str, bytes | None]) -> None:
    event = read_envelope(message(TRIGGER, **changes)).event
    assert isinstance(event, RunTriggered)
    assert event.job == "people"


def test_a_strange_header_beside_ours_does_no_harm() -> None:
    good = message(TRIGGER)
    strange: RawHeaders = [*good.headers, ("traceparent", b"\xff\xfe"), ("", None), ("a\0b", b"")]
    assert read_envelope(replace(good, headers=strange)).event == TRIGGER


def test_a_message_has_one_name_wherever_it_lies_if_it_brought_an_id() -> None:
    one = message(TRIGGER)
    assert replace(one, partition=7, offset=1).id == one.id
    for other in (
        message(TRIGGER, ce_id=b"e2"),
        message(TRIGGER, body=b"{}"),
        replace(one, key=None),
        replace(one, topic="placet.batch-ready"),
    ):
        assert other.id != one.id


def test_a_message_without_an_id_is_named_by_its_place_too() -> None:
    """Two that say the same are two."""
    one = replace(message(TRIGGER), headers=[])
    names = {one.id, replace(one, offset=43).id, replace(one, partition=4).id, message(TRIGGER, ce_id=None).id}
    assert len(names) == 4


@pytest.mark.parametrize("headers", [[], [("a", b"\xff\0"), ("a", None), ("ż", b""), ("", b"1")]], ids=str)
def test_headers_come_back_from_json_as_they_were(headers: RawHeaders) -> None:
    assert unpack_headers(json.loads(json.dumps(pack_headers(headers)))) == headers


def test_a_nul_in_a_headers_name_is_replaced() -> None:
    assert unpack_headers(pack_headers([("a\0b", b"1")])) == [("a\ufffdb", b"1")]


def test_a_digest_says_by_which_function_it_was_made() -> None:
    assert sha256(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
