"""The document of `relato status --json`; what is not known from where it is asked is null or empty."""

from typing import TypedDict


class Service(TypedDict):
    """A process of one of the four services; from afar nobody knows its pid."""

    name: str
    service: str
    pid: int | None
    address: str
    ready: bool
    why: str | None
    remarks: dict[str, str]
    """What people are to know though it is ready, such as that sending was stopped."""
    restarts: int | None
    """None where nobody counts them."""


class Broker(TypedDict):
    """One of the stack's own brokers."""

    name: str
    pid: int | None
    address: str


class Process(TypedDict):
    """Any process of the stack."""

    name: str
    pid: int | None
    address: str
    restarts: int
    last_exit: int | None
    log: str


class Status(TypedDict):
    """The document of `relato status --json`."""

    origin: str
    phase: str
    kafka: dict[str, str | bool | None]
    brokers: list[Broker]
    postgres: dict[str, str | bool | None]
    mail: dict[str, str | None]
    services: list[Service]
    consumers: list[dict[str, str | int]]
    outbox: dict[str, float | int | None]
    waiting: dict[str, int | None]
    """What waits for a person, of the services that answer."""
    processes: list[Process]
