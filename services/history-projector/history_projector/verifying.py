"""Compares two generations while both go on: every difference that is not only a matter of moments."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import structlog
from relato_runtime.database import Pool
from relato_runtime.readiness import Readiness

from history_projector import comparing, verifications
from history_projector.comparing import Finding, Part
from history_projector.verifications import Verification

log = structlog.get_logger(__name__)

_TICKETS_AT_ONCE = 500
_LOOK_SECONDS = 0.5
_ROUND_SECONDS = 0.25
_ROUNDS = 60

Reached = Mapping[tuple[str, int], int]
_Sums = tuple[Mapping[str, str], Mapping[str, str]]
"""A ticket's checksums in both generations."""


class _Seen(NamedTuple):
    """Both generations in one snapshot."""

    sums: Mapping[str, _Sums]
    reached: tuple[Reached, Reached]


class _Suspect(NamedTuple):
    """A ticket that was not the same, and how far both have to be before that means anything."""

    sums: _Sums
    until: Reached


async def verify(pool: Pool, readiness: Readiness, part: str) -> None:
    """Work on verifications that nobody works on, until cancelled."""
    while True:
        readiness.has(part)
        if (claimed := await verifications.claim(pool)) is not None:
            await _whole(pool, claimed)
        await asyncio.sleep(_LOOK_SECONDS)


async def _whole(pool: Pool, verification: Verification) -> None:
    """Compare ticket by ticket, from where it had come to."""
    one, other = verification.generation, verification.against
    async with pool.acquire() as connection:
        shape = await comparing.parts(connection, one, other)
    while True:
        async with pool.acquire() as connection:
            tickets = await comparing.following(
                connection, one, other, verification.reached, _TICKETS_AT_ONCE
            )
        if not tickets:
            await verifications.finish(pool, verification.id)
            log.info("verified", generation=one, against=other)
            return
        findings = await _differences(pool, verification, shape, tickets)
        async with pool.acquire() as connection, connection.transaction():
            if not await verifications.step(connection, verification, tickets, findings):
                return  # we were too slow, and another process went on with it
        verification = verification._replace(reached=tickets[-1])


async def _differences(
    pool: Pool, verification: Verification, shape: Sequence[Part], tickets: Sequence[str]
) -> list[Finding]:
    """What differs for good.

    A difference is real when a ticket has not changed in either generation between two moments, at the second
    of which both had taken in all that either had taken in at the first.
    """
    suspects: dict[str, _Suspect] = {}
    real: list[str] = []
    left: Sequence[str] = tickets
    for _ in range(_ROUNDS):
        seen = await _look(pool, verification, shape, left)
        suspects = judge(suspects, seen, real)
        if not suspects:
            break
        left = sorted(suspects)
        await verifications.renew(pool, verification.id)
        await asyncio.sleep(_ROUND_SECONDS)
    findings = [Finding(ticket_id, "moving") for ticket_id in sorted(suspects)]
    for ticket_id in real:
        findings += await _detail(pool, verification, shape, ticket_id)
    return findings


def judge(suspects: Mapping[str, _Suspect], seen: _Seen, real: list[str]) -> dict[str, _Suspect]:
    """Who is to be looked at again; whose difference is ``real`` is put there."""
    again: dict[str, _Suspect] = {}
    for ticket_id, sums in seen.sums.items():
        if sums[0] == sums[1]:
            continue
        before = suspects.get(ticket_id)
        if before is None or before.sums != sums:
            again[ticket_id] = _Suspect(sums, _further(*seen.reached))
        elif all(_has(reached, before.until) for reached in seen.reached):
            real.append(ticket_id)
        else:
            again[ticket_id] = before
    return again


def _further(one: Reached, other: Reached) -> Reached:
    return {each: max(one.get(each, 0), other.get(each, 0)) for each in one.keys() | other.keys()}


def _has(reached: Reached, until: Reached) -> bool:
    return all(reached.get(each, 0) >= offset for each, offset in until.items())


async def _look(pool: Pool, of: Verification, shape: Sequence[Part], tickets: Iterable[str]) -> _Seen:
    listed = list(tickets)
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        one = await comparing.sums(connection, of.generation, shape, listed)
        other = await comparing.sums(connection, of.against, shape, listed)
        reached = (
            await comparing.positions(connection, of.generation),
            await comparing.positions(connection, of.against),
        )
    return _Seen({each: (one.get(each, {}), other.get(each, {})) for each in listed}, reached)


async def _detail(pool: Pool, of: Verification, shape: Sequence[Part], ticket_id: str) -> list[Finding]:
    findings: list[Finding] = []
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        for part in shape:
            here = await comparing.rows(connection, of.generation, part, ticket_id)
            there = await comparing.rows(connection, of.against, part, ticket_id)
            findings += comparing.paired(ticket_id, part, here, there)
    return findings
