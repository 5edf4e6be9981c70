"""How a service's process runs: logs, traces, an HTTP server, and a clean stop on SIGTERM."""

from collections.abc import Callable

import structlog
import uvicorn
from fastapi import FastAPI

from relato_runtime import logs, settings, telemetry
from relato_runtime.settings import Settings

log = structlog.get_logger(__name__)


def serve(service: str, model: type[Settings], build: Callable[[Settings], FastAPI]) -> None:
    """Read the settings, build the application and serve it until told to stop."""
    chosen = settings.load(model)
    logs.configure(service, chosen.log_level, chosen.log_format)
    telemetry.configure(service)
    uvicorn.run(
        build(chosen),
        host=chosen.http_host,
        port=chosen.http_port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=75,
    )
    log.info("stopped")
