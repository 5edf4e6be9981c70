"""The start of the whole stack, in the order in which its parts need each other, and its stop."""

import asyncio
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil
from aiokafka.errors import KafkaError
from relato_contracts.topics import TOPICS
from relato_runtime import stopping
from relato_runtime.kafka import create_topics
from relato_runtime.settings import KafkaSettings

from relato import settings as stack_settings
from relato.errors import StackError
from relato.settings import StackSettings
from relato.stack import brokers, caddy, databases, jars, mail, postgres, state, strays
from relato.stack.home import Home, explain
from relato.stack.ports import chosen
from relato.stack.process import Program
from relato.stack.report import Reporter
from relato.stack.services import Surroundings, log_of, names
from relato.stack.supervisor import Child, Supervisor

log = logging.getLogger("relato.start")

_PORTS = ("smtp", "imap", "mail", "issuer")
_SERVERS = {"postgres", "mail"}
"""What the others need besides the brokers, and so what stops last."""


async def run(report_descriptor: int) -> int:
    """Start everything, keep it running until cancelled, and stop everything; gives the exit code."""
    reporter = Reporter(report_descriptor)
    settings = stack_settings.load()
    failure = ""
    stack: _Stack | None = None
    try:
        stack = _Stack(settings, reporter)
        await stack.bring_up()
        reporter.end()
        await asyncio.Event().wait()
    except* (StackError, OSError) as group:
        failure = _sentence(_first(group), settings.home)
        log.error("%s", failure)
    except* asyncio.CancelledError:
        failure = "Relato was stopped before everything ran."
    finally:
        if stack is not None:
            await stack.take_down()
    reporter.end(failure)
    return 1


class _Stack:
    """One stack while it runs."""

    def __init__(self, settings: StackSettings, reporter: Reporter) -> None:
        self.settings = settings
        self.reporter = reporter
        self.home = Home(settings.home)
        self._phase: state.Phase = "starting"
        self._children: Sequence[Child] = ()
        self._supervisor = Supervisor(self._changed)
        self._environment = _environment(self.home)
        wanted = (*brokers.port_names(settings), *_PORTS, *names(settings.replicas))
        self._ports = chosen(self.home.run / "ports.json", wanted)
        self._databases = databases.of(settings)
        self._surroundings = Surroundings(
            settings=settings,
            home=self.home,
            databases=self._databases,
            ports=self._ports,
            kafka=brokers.bootstrap(settings, self._ports),
            smtp=settings.smtp_url or f"smtp://127.0.0.1:{self._ports['smtp']}",
            environment=self._environment,
        )

    async def bring_up(self) -> None:
        """Start every part, those that do not need each other at the same time."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._postgres())
            group.create_task(self._kafka())
            group.create_task(self._doors())
        async with asyncio.TaskGroup() as group:
            for program in self._surroundings.programs():
                group.create_task(self._start(program, program.name))
        self._phase = "running"
        self._changed(self._children)

    async def take_down(self) -> None:
        """Stop every part: who serves first, then what they need."""
        self._phase = "stopping"
        self._changed(self._children)
        last = {*_SERVERS, *brokers.names(self.settings)}
        await self._supervisor.stop(
            (lambda program: program.name not in last, stopping.IN_ALL),
            (lambda program: program.name in last, 5.0),
        )
        await asyncio.to_thread(strays.end, self.home, 2.0)
        state.clear(self.home)

    async def _postgres(self) -> None:
        if self.settings.postgres_url is None:
            self.reporter.working("postgres", "starting")
            log_file = log_of(self.home, "postgres")
            await postgres.prepare(self.home.postgres, log_file, self._environment)
            await self._supervisor.start(postgres.program(self.home.postgres, log_file, self._environment))
        self.reporter.working("postgres", "databases and roles")
        await self._databases.provision()
        self.reporter.done("postgres", self._databases.place)

    async def _kafka(self) -> None:
        if self.settings.kafka_bootstrap is None:
            self.reporter.working("kafka", "starting")
            programs = await brokers.prepare(
                self.settings,
                self.home,
                self._ports,
                self._environment,
                fetching=lambda jar: self.reporter.working("kafka", f"fetching {jar}"),
            )
            async with asyncio.TaskGroup() as group:  # none is ready before most of them are
                for broker in programs:
                    group.create_task(self._supervisor.start(broker))
        self.reporter.working("kafka", "topics")
        await self._create_topics()
        self.reporter.done("kafka", self._surroundings.kafka)

    async def _create_topics(self) -> None:
        settings = KafkaSettings(kafka_bootstrap=self._surroundings.kafka)
        try:
            await create_topics(
                settings,
                TOPICS,
                partitions=self.settings.partitions,
                replication=self.settings.replication or len(brokers.names(self.settings)) or None,
            )
        except (OSError, KafkaError) as error:
            raise StackError(f"Kafka at {self._surroundings.kafka} cannot be used: {error}.") from error

    async def _doors(self) -> None:
        async with asyncio.TaskGroup() as group:
            upstreams = {name: self._ports[name] for name in names(self.settings.replicas)}
            if self.settings.smtp_url is None:
                ports = mail.Ports(self._ports["smtp"], self._ports["imap"], self._ports["mail"])
                catcher = mail.program(ports, log_of(self.home, "mail"), self._environment)
                group.create_task(self._start(catcher, "mail"))
                upstreams["mail"] = self._ports["mail"]
            if self.settings.oidc_issuer is None:
                group.create_task(self._start(self._surroundings.issuer(), "issuer"))
                upstreams["issuer"] = self._ports["issuer"]
            door = caddy.program(
                self.settings, upstreams, log_of(self.home, "caddy"), self._environment, self.home.caddy
            )
            group.create_task(self._start(door, "front door"))

    async def _start(self, program: Program, part: str) -> None:
        self.reporter.working(part, "starting")
        await self._supervisor.start(program)
        self.reporter.done(part, program.address)

    def _changed(self, children: Sequence[Child]) -> None:
        self._children = children
        try:
            state.write(self.home, self._state())
        except OSError as error:
            # Without it `relato status` knows less; the children run on, or are stopped, all the same.
            log.error("the state cannot be written: %s", error)

    def _state(self) -> state.StackState:
        embedded = self.settings.kafka_bootstrap is None
        return state.StackState(
            phase=self._phase,
            origin=self.settings.origin,
            issuer=self.settings.issuer,
            local_issuer=self.settings.oidc_issuer is None,
            postgres=self._databases.admin,
            kafka=self._surroundings.kafka,
            kafka_version=jars.KAFKA_VERSION if embedded else None,
            smtp=self._surroundings.smtp,
            mail_page=f"{self.settings.origin}/mail/" if self.settings.smtp_url is None else None,
            children=tuple(_child_state(child) for child in self._children),
        )


def _child_state(child: Child) -> state.ChildState:
    return state.ChildState(
        name=child.program.name,
        service=child.program.service,
        address=child.program.address,
        pid=child.running.pid if child.running else None,
        started=_started(child.running.pid) if child.running else None,
        restarts=child.restarts,
        last_exit=child.last_exit,
        log=child.program.log,
    )


def _started(pid: int) -> float | None:
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return None


def _environment(home: Home) -> Mapping[str, str]:
    """What children inherit, without what would change them behind our back."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in {"WEB_CONCURRENCY", "PORT", "HOST"} and not name.startswith("PG")
    }
    return {**inherited, "RELATO_HOME": str(home.root)}


def _first(group: BaseExceptionGroup[Exception]) -> BaseException:
    """The first of several failures; the others mostly follow from it."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _sentence(error: BaseException, home: Path) -> str:
    return explain(error, home) if isinstance(error, OSError) else str(error)
