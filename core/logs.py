"""Structured logs on stderr: one JSON object a line for machines, coloured text for a terminal.

Everything goes through the standard library's root logger, so libraries' messages have the same
form. What is bound with ``structlog.contextvars`` (a request's id, a job's topic) stands in every
line of that request or job.
"""

import json
import logging
import sys
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import Processor

# Libraries that tell more at INFO than an operator wants to read.
_QUIETER = ("rq", "alembic", "httpx", "httpcore", "numba", "urllib3")


def configure(level: str = "info", form: str = "auto", stream: TextIO | None = None) -> None:
    """Send every log line to ``stream`` (default: stderr).

    ``level`` and ``form`` are the settings LOG_LEVEL and LOG_FORMAT. Safe to call again.
    """
    stream = sys.stderr if stream is None else stream
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # tests and children configure again
    )
    # What no line of ours tells need not be found out for each (logging's howto, "Optimization").
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(form, stream),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _QUIETER:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))


def _renderers(form: str, stream: TextIO) -> list[Processor]:
    if form == "text" or (form == "auto" and stream.isatty()):
        # The plain formatter: rich tracebacks would print local variables, secrets among them.
        return [
            structlog.dev.ConsoleRenderer(
                colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    return [
        structlog.processors.format_exc_info,
        structlog.processors.EventRenamer("message"),
        structlog.processors.JSONRenderer(serializer=_json),
    ]


def _json(line: Any, **_: Any) -> str:
    try:
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # half a surrogate pair, a number beyond 64 bits
        return json.dumps(line, default=str)
