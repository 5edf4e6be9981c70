"""How a service's process runs: logs, an HTTP server, and a clean stop on SIGTERM."""

import gc
import logging
import signal
from pkgutil import resolve_name
from types import FrameType

import structlog
import uvicorn

from relato_runtime import logs, settings, stopping
from relato_runtime.patience import Patient
from relato_runtime.settings import Settings

log = structlog.get_logger(__name__)


def serve(service: str, model: type[Settings], build: str) -> None:
    """Read the settings, build the application and serve it until told to stop.

    ``build`` names a function from settings to application, as ``module:function``: it is imported
    when logs are set up, so that what libraries have to say while they load is a line of JSON too.
    """
    chosen = settings.load(model)
    logs.configure(service, chosen.log_level, chosen.log_format)
    logging.captureWarnings(True)
    app = resolve_name(build)(chosen)
    # Collections look for what refers to itself in circles. What has been loaded stays for ever, and
    # looking through it twice a second would hold up every request for 70 ms; a batch of records makes
    # objects by the ten thousand of which hardly any does.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    # uvicorn hands a signal on once it has stopped; by itself SIGTERM would end us as if we had not.
    signal.signal(signal.SIGTERM, _told_to_stop)
    uvicorn.run(
        app,
        host=chosen.http_host,
        port=chosen.http_port,
        loop="uvloop",
        http=Patient,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=stopping.REQUESTS,
        timeout_keep_alive=75,
    )
    log.info("stopped")


def _told_to_stop(_number: int, _frame: FrameType | None) -> None:
    log.info("stopped")
    raise SystemExit(0)
