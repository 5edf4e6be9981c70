"""Structured logs: one JSON object a line, or something readable on a terminal.

What people wrote, their addresses and tokens are never logged: events carry ids.
"""

import logging
import logging.config
import sys
from typing import Literal

import structlog

from relato_runtime import failures, telemetry

FASTSTREAM = "relato_runtime.faststream"
"""Not its own logger's name: to that it adds a handler and a form of its own."""


def configure(service: str, level: str, form: Literal["auto", "json", "console"]) -> None:
    """Send structlog and every library's logs to standard error in one form."""
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
        failures.traced,
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    # Their own lines repeat ours, or carry URLs and addresses.
    for noisy in ("uvicorn.access", "httpx", "httpcore", "aiokafka", "aiosmtplib"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger(FASTSTREAM).setLevel(logging.ERROR)  # warns that topics are not made by accident
    structlog.contextvars.bind_contextvars(service=service)


def _add_trace(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    for name, value in telemetry.current_ids().items():
        event.setdefault(name, value)
    return event
