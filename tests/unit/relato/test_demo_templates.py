"""The demonstration's mail templates, rendered as the notifier does."""

from dataclasses import asdict

import pytest
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from notifier.letter import Letter
from relato.demo.content import templates
from relato_contracts.itsm import EmailVariant

_VARIANTS = [
    pytest.param(variant, id=f"{template_id}-{variant.language}")
    for template_id, (_, variants) in templates().items()
    for variant in variants
]


@pytest.mark.parametrize("variant", _VARIANTS)
def test_every_part_can_be_rendered_and_says_who_wrote_what(variant: EmailVariant) -> None:
    letter = Letter(
        kind="message",
        ticket_id="1001",
        ticket_title="VPN <lenta>",
        author_name="Carlos",
        recipient_name="Ana",
        text="Troquei o cabo.",
        text_html="<p>Troquei o cabo.</p>",
        solution="",
        solution_html="",
        happened_at="24 de novembro de 2026 12:12",
        link="http://127.0.0.1/portal/requests/1001",
        language=variant.language,
    )
    subject, text, html = (_rendered(part, letter) for part in (variant.subject, variant.text, variant.html))
    assert "1001" in subject and "Carlos" in subject and "\n" not in subject
    for body in (text, html):
        assert "Ana" in body and "Carlos" in body and "Troquei o cabo." in body and letter.link in body
        assert letter.happened_at in body


def _rendered(source: str, letter: Letter) -> str:
    return ImmutableSandboxedEnvironment(undefined=StrictUndefined).from_string(source).render(asdict(letter))
