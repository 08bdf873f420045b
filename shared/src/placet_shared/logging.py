"""Structured logs: constant event names, ids bound once per message. JSON in production, readable on a terminal."""

import logging
import sys
import warnings

import structlog
from joserfc.errors import SecurityWarning
from structlog.stdlib import ProcessorFormatter


def configure_logging(form: str, service: str) -> None:
    """Sets up structlog for this process, and the libraries' own logs to look the same; `form` is `json` or
    `console`."""
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if form == "console" else structlog.processors.JSONRenderer()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    structlog.contextvars.bind_contextvars(service=service)
    last: list[structlog.typing.Processor] = [
        ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        renderer,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        ProcessorFormatter(foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name], processors=last)
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.captureWarnings(True)
    # the name that RFC 9864 has for it would only say the curve, which our keys do
    warnings.filterwarnings("ignore", "EdDSA is deprecated", SecurityWarning)
