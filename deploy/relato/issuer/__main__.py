"""Runs the local issuer."""

import sys

import uvicorn
from pydantic import ValidationError
from relato_runtime import stopping

from relato.errors import StackError
from relato.issuer.app import create_app
from relato.issuer.settings import IssuerSettings


def main() -> None:
    """Serve until told to stop."""
    try:
        settings = IssuerSettings()
        app = create_app(settings)
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            where = "_".join(str(part) for part in problem["loc"]).upper()
            print(f"RELATO_{where}: {problem['msg']}" if where else problem["msg"], file=sys.stderr)
        raise SystemExit(1) from None
    except StackError as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from None
    uvicorn.run(
        app,
        host=settings.http_host,
        port=settings.http_port,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=stopping.REQUESTS,
    )


if __name__ == "__main__":
    main()
