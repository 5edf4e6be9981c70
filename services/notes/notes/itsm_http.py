"""For installations without an ITSM: administrators publish its facts themselves."""

from datetime import UTC, datetime
from typing import Annotated

from aiokafka.errors import KafkaError
from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import JSONResponse
from relato_contracts.envelope import Envelope, encode
from relato_contracts.fields import Id
from relato_contracts.itsm import KINDS, EmailTemplateSaved, Kind
from relato_contracts.topics import TOPIC_OF, key_of
from relato_runtime import erased, kafka
from relato_runtime.auth import Authenticator
from relato_runtime.caller import Caller
from relato_runtime.database import Pool
from relato_runtime.field_errors import FieldError
from relato_runtime.http import RateLimit
from relato_runtime.mail_templates import wrong_parts
from relato_runtime.problems import Problem, invalid, unavailable
from relato_runtime.settings import ServiceSettings
from relato_runtime.telemetry import current_traceparent
from uuid6 import uuid7

from notes.publisher import Publisher
from notes.requests import body, problems


def routes(
    settings: ServiceSettings,
    pool: Pool,
    publisher: Publisher,
    authenticate: Authenticator,
    limit: RateLimit,
) -> APIRouter:
    """The routes of administrators, below ``/api/notes``."""
    router = APIRouter(prefix="/api/notes", tags=["administration"])

    async def administrator(request: Request) -> Caller:
        caller = await authenticate(request)
        limit.spend(caller.person_id)
        if "administrator" not in caller.roles:
            raise Problem(403, "not-permitted", "Only administrators publish facts of the ITSM.")
        return caller

    @router.put(
        "/itsm/{kind}/{entity_id}",
        response_model=None,
        responses=problems(401, 403, 409, 413, 415, 422, 429, 503),
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {"anyOf": [fact.model_json_schema() for fact in KINDS.values()]}
                    }
                },
            }
        },
    )
    async def publish_fact(
        request: Request,
        who: Annotated[Caller, Depends(administrator)],
        kind: Kind,
        entity_id: Annotated[Id, Path()],
    ) -> JSONResponse:
        """Publish a fact as it stands on its topic; answered once Kafka has acknowledged it."""
        fact = await body(request, KINDS[kind])
        if key_of(fact) != entity_id:
            field = TOPIC_OF[type(fact)].facts[type(fact)]
            raise invalid(FieldError(f"/{field}", f"This is not {entity_id!r}, as the address says."))
        async with pool.acquire() as connection:
            less = (await erased.taken_in(connection, [fact])).get(fact, fact)
        if less != fact:
            raise Problem(409, "person-erased", "They asked to be forgotten; somebody new has a new id.")
        if isinstance(fact, EmailTemplateSaved) and (wrong := wrong_parts(fact)):
            raise invalid(*wrong)
        envelope = Envelope(
            id=str(uuid7()),
            source="/relato/notes",
            time=datetime.now(UTC),
            subject=entity_id,
            actor=who.person_id,
            traceparent=current_traceparent(),
        )
        topic = settings.topic_prefix + TOPIC_OF[type(fact)].name
        key, value, headers = encode(fact, envelope)
        try:
            await publisher.publish(kafka.OutgoingRecord(topic, key, value, headers))
        except (KafkaError, TimeoutError, OSError) as error:
            raise unavailable("Kafka cannot be reached; the fact may not have been published.") from error
        return JSONResponse(fact.model_dump(mode="json", exclude_none=True))

    return router
