"""Outcomes of mails, as they stand on their topic or are to be told, without whom they name."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pydantic import JsonValue
from relato_contracts.erasure import ADDRESS, ERASED
from relato_runtime import erased
from relato_runtime.database import Connection

DECIDED = "(?s)^((?:dropped: )?(?:resend|leave), decided by ).*"
"""What `decisions` writes as a mail's reason: what stays of it is the first group."""


class Known(NamedTuple):
    """Mails whose recipients were erased, and people who were."""

    mails: frozenset[str]
    people: frozenset[str]


async def known(connection: Connection, outcomes: Iterable[bytes]) -> Known:
    """What of these outcomes, as they stand on their topic, is not to be known any more."""
    said = [json.loads(each) for each in outcomes if each]
    rows = await connection.fetch(
        "SELECT mail_id::text FROM mails WHERE mail_id = ANY($1::uuid[]) AND recipient = $2",
        *([each["mail_id"] for each in said], ERASED),
    )
    deciders = {each["decision"]["person_id"] for each in said if each.get("decision")}
    people = await erased.known(connection, deciders)
    return Known(frozenset(row["mail_id"] for row in rows), frozenset(people))


def without(outcome: Mapping[str, JsonValue], gone: Known) -> dict[str, JsonValue]:
    """Pure: an outcome without the recipient, and without the name of who decided, where they are gone."""
    left = dict(outcome)
    if left.get("mail_id") in gone.mails:
        left["recipient"] = ERASED
        if isinstance(reason := left.get("reason"), str):
            left["reason"] = re.sub(ADDRESS, ERASED, reason)
    decision = left.get("decision")
    if isinstance(decision, dict) and decision.get("person_id") in gone.people:
        if isinstance(reason := left.get("reason"), str):
            left["reason"] = re.sub(DECIDED, rf"\1{ERASED}", reason)
        left["decision"] = {
            name: ERASED if name in {"person_name", "reason"} and value else value
            for name, value in decision.items()
        }
    return left
