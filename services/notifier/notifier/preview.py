"""Templates as their authors try them: rendered as mails are, and told what is wrong, field by field."""

import asyncio
from dataclasses import replace

from relato_contracts.itsm import EmailTemplateSaved, EmailVariant
from relato_runtime.field_errors import FieldError
from relato_runtime.mail_templates import wrong_parts

from notifier.letter import Letter
from notifier.message import subject_line
from notifier.render import Rendered, Renderer, TemplateError

_PARTS = ("subject", "text", "html")


class Wrong(Exception):
    """A template cannot be rendered; one error for each field of it."""

    def __init__(self, *errors: FieldError) -> None:
        super().__init__(*errors)
        self.errors = errors


async def render(renderer: Renderer, variant: EmailVariant, letter: Letter, *, seconds: float) -> Rendered:
    """What a template makes of a letter; ``Wrong``, or ``TimeoutError`` when its turn does not come.

    What would not be accepted when it is saved is wrong here, too, though this letter may not show it.
    Part by part, so that each error is said of its own.
    """
    unsaved = wrong_parts(EmailTemplateSaved(template_id="preview", name="preview", variants=(variant,)))
    if unsaved:
        raise Wrong(*(replace(each, pointer=each.pointer.removeprefix("/variants/0")) for each in unsaved))
    made: dict[str, str] = {}
    errors = []
    async with asyncio.timeout(seconds):
        for part in _PARTS:
            alone = EmailVariant.model_validate(
                {"language": variant.language} | dict.fromkeys(_PARTS, "") | {part: getattr(variant, part)}
            )
            try:
                made[part] = getattr(await renderer.render(alone, letter), part)
            except TemplateError as error:
                errors.append(error.fault.at(f"/{part}"))
    if errors:
        raise Wrong(*errors)
    return Rendered(subject_line(made["subject"]), made["text"], made["html"])
