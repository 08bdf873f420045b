"""What a service writes about itself: one JSON object a line, its libraries' words too."""

import json
import logging
import warnings
from collections.abc import Iterator

import pytest
import structlog

from placet_shared.logging import configure_logging


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with warnings.catch_warnings():
        yield
    logging.captureWarnings(False)
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_each_line_is_json_with_the_ids_that_are_bound(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json", "notifier")
    with structlog.contextvars.bound_contextvars(run_id="r1", event_id="e1", job="people"):
        structlog.get_logger().info("delivery_sent", channel="email")
    structlog.get_logger().info("idle")
    sent, idle = lines(capsys)
    assert (sent["event"], sent["service"], sent["channel"]) == ("delivery_sent", "notifier", "email")
    assert (sent["run_id"], sent["event_id"], sent["job"]) == ("r1", "e1", "people")
    assert "run_id" not in idle


def test_libraries_speak_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json", "notifier")
    logging.getLogger("aiokafka").error("no %s", "broker")
    logging.getLogger("aiokafka").info("chatter")
    warnings.warn("old", stacklevel=1)
    try:
        raise ValueError("deep")
    except ValueError:
        structlog.get_logger().exception("loop_interrupted")
    broker, old, trouble = lines(capsys)
    assert (broker["event"], broker["level"], broker["logger"]) == ("no broker", "error", "aiokafka")
    assert "old" in old["event"]
    assert "ValueError: deep" in trouble["exception"]


def test_a_terminal_gets_text(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("console", "notifier")
    structlog.get_logger().info("delivery_sent")
    assert "delivery_sent" in capsys.readouterr().err
