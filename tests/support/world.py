"""Facts of an ITSM in a small and known world, published as any ITSM would."""

from datetime import UTC, datetime

from relato_contracts import itsm
from relato_contracts.envelope import Envelope, encode
from relato_contracts.fields import Fact
from relato_contracts.topics import TOPIC_OF
from relato_runtime import kafka
from relato_runtime.settings import KafkaSettings
from uuid6 import uuid7

OPENED_AT = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
SWITCHES = {10: "suporte@relato.example", 251: "t-251", 252: "S", 253: "t-253", 297: "N", 298: "S", 299: "S",
            316: "S", 371: "S", 447: "t-447"}  # fmt: skip


def person(person_id: str, **changes: object) -> itsm.PersonSaved:
    """A person with an address who reads Portuguese in São Paulo."""
    known: dict[str, object] = {
        "person_id": person_id,
        "name": person_id.title(),
        "email": f"{person_id}@empresa.example",
        "language": "pt-BR",
        "time_zone": "America/Sao_Paulo",
        "active": True,
    }
    return itsm.PersonSaved.model_validate(known | changes)


def ticket(ticket_id: str = "1001", **changes: object) -> itsm.TicketSaved:
    """Ana's ticket in the group that Carlos belongs to."""
    known: dict[str, object] = {
        "ticket_id": ticket_id,
        "title": "VPN não conecta",
        "status": "in-progress",
        "requester_id": "ana",
        "group_id": "redes",
        "responsible_id": "carlos",
        "opened_at": OPENED_AT,
    }
    return itsm.TicketSaved.model_validate(known | changes)


def group(group_id: str = "redes", **changes: object) -> itsm.GroupSaved:
    """The group of Ana's ticket."""
    known: dict[str, object] = {
        "group_id": group_id,
        "name": group_id.title(),
        "member_ids": ("carlos",),
        "emails": (f"{group_id}@empresa.example",),
        "permissions": (),
    }
    return itsm.GroupSaved.model_validate(known | changes)


def template(template_id: str) -> itsm.EmailTemplateSaved:
    """A mail template that says who wrote what."""
    variant = itsm.EmailVariant(
        language="pt-BR",
        subject="Chamado {{ ticket_id }}",
        text="{{ author_name }} escreveu: {{ text }}",
        html="<p>{{ author_name }} escreveu:</p>{{ text_html }}",
    )
    return itsm.EmailTemplateSaved(template_id=template_id, name=template_id, variants=(variant,))


def parameter(number: int, value: str) -> itsm.ParameterSaved:
    """One of the ITSM's switches."""
    return itsm.ParameterSaved(number=number, value=value)


def world() -> list[Fact]:
    """Ana's ticket 1001 and all that is needed to work on it, everything switched on."""
    return [
        *(person(name) for name in ("ana", "bia", "carlos", "davi", "edu", "olga")),
        group("redes"),
        group(
            "campo",
            member_ids=("edu",),
            permissions=(itsm.GroupPermission(group_id="redes", may=("comment",)),),
        ),
        group("fora", member_ids=("olga",)),
        *(parameter(number, value) for number, value in SWITCHES.items()),
        *(template(name) for name in ("t-251", "t-253", "t-447")),
        itsm.CategorySaved(category_id="cat-rede", name="Rede", active=True),
        itsm.CategorySaved(category_id="cat-antiga", name="Antiga", active=False),
        itsm.OriginSaved(origin_id="org-telefone", name="Telefone", active=True),
        ticket("1001"),
        ticket("1002", requester_id="bia", title="Impressora sem toner"),
        ticket("1003", status="closed"),
        ticket("1004", status="suspended"),
    ]


async def publish(settings: KafkaSettings, *facts: Fact) -> None:
    """Publish facts to their topics, and return when the broker has them."""
    async with kafka.producing(settings) as producer:
        await kafka.send(producer, [record(settings, fact) for fact in facts])


def record(settings: KafkaSettings, fact: Fact) -> kafka.OutgoingRecord:
    """A fact as a foreign publisher sends it: with the standard attributes only."""
    envelope = Envelope(id=str(uuid7()), source="/itsm", time=datetime.now(UTC))
    key, value, headers = encode(fact, envelope)
    return kafka.OutgoingRecord(settings.topic_prefix + TOPIC_OF[type(fact)].name, key, value, headers)
