"""The company as facts of the ITSM: people, groups, catalogue, parameters and mail templates."""

from relato_contracts import itsm
from relato_contracts.itsm import ItsmFact, Permission

from relato.demo.content import GroupContent, organisation, templates


def company() -> tuple[ItsmFact, ...]:
    """Everything but the tickets."""
    return (
        *(
            itsm.EmailTemplateSaved(template_id=template_id, name=name, variants=variants)
            for template_id, (name, variants) in templates().items()
        ),
        *(
            itsm.ParameterSaved(number=number, value=value)
            for number, value in organisation().parameters.items()
        ),
        *_catalog(),
        *(_person(person_id) for person_id in organisation().people),
        *(_group(group) for group in organisation().group),
    )


def address(person_id: str) -> str | None:
    """Somebody's e-mail address."""
    return f"{person_id}@empresa.example" if organisation().people[person_id].email else None


def _catalog() -> list[ItsmFact]:
    company = organisation()
    active = {**dict.fromkeys([*company.categories, *company.origins], True)}
    names = {**company.categories, **company.origins, **company.retired}
    return [
        itsm.CategorySaved(category_id=entry, name=name, active=entry in active)
        if entry.startswith("cat-")
        else itsm.OriginSaved(origin_id=entry, name=name, active=entry in active)
        for entry, name in names.items()
    ]


def _person(person_id: str) -> ItsmFact:
    person = organisation().people[person_id]
    return itsm.PersonSaved(
        person_id=person_id,
        name=person.name,
        email=address(person_id),
        language=person.language,
        time_zone=person.zone,
        active=person.active,
    )


def _group(group: GroupContent) -> ItsmFact:
    permitted: list[tuple[Permission, tuple[str, ...]]] = [
        ("execute", group.execute),
        ("comment", group.comment),
    ]
    return itsm.GroupSaved(
        group_id=group.id,
        name=group.name,
        member_ids=group.members,
        emails=group.emails,
        permissions=tuple(
            itsm.GroupPermission(group_id=other, may=(may,)) for may, others in permitted for other in others
        ),
    )
