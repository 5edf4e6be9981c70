"""The mail catcher: takes every mail over SMTP and shows it on a page; nothing leaves the machine."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from relato.stack import process
from relato.stack.home import private_directory
from relato.stack.ports import free
from relato.stack.process import Program


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the catcher listens."""

    smtp: int
    imap: int
    http: int


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[Ports]:
    """Run a catcher on free ports, with its log in that directory."""
    smtp, imap = free(), free()
    ports = Ports(smtp, imap, free(avoiding=[smtp, imap]))
    async with process.running(program(ports, private_directory(directory) / "mail.log", os.environ)):
        yield ports


def program(ports: Ports, log: Path, environment: Mapping[str, str]) -> Program:
    """The catcher as a process to run."""
    return Program(
        name="mail",
        argv=process.module(
            "relato.stack.catcher",
            *("--host", "127.0.0.1", "--user", "todos@relato.local", "--password", "relato"),
            *("--smtp-port", str(ports.smtp), "--imap-port", str(ports.imap), "--http-port", str(ports.http)),
            "--no-message-id",
        ),
        environment=environment,
        log=log,
        probe=lambda: listening(ports.smtp, ports.http),
        address=f"smtp://127.0.0.1:{ports.smtp}",
    )


async def listening(*ports: int) -> str | None:
    """Whether something listens on each of these ports of 127.0.0.1."""
    for port in ports:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError as error:
            return str(error)
        writer.close()
    return None
