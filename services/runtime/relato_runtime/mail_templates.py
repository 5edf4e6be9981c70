"""What mail templates may say: where they are saved and where they are rendered, the same is true.

Jinja2's sandbox keeps templates away from Python, not from eating time and memory; whoever renders
what people wrote has to bound both.
"""

from collections.abc import Mapping

from jinja2 import StrictUndefined, TemplateSyntaxError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from relato_contracts.itsm import EmailTemplateSaved, EmailVariant

from relato_runtime.field_errors import FieldError, pointer

PLAIN = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
"""For subject and text."""
HTML = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=True)

VARIABLES: Mapping[str, str] = {
    "kind": "O que aconteceu: occurrence (ocorrência), message (mensagem) ou chat.",
    "ticket_id": "Número do chamado.",
    "ticket_title": "Título do chamado.",
    "author_name": "Nome de quem escreveu.",
    "recipient_name": "Nome de quem recebe o e-mail; de um grupo, o nome do grupo.",
    "text": "O que foi escrito, sem formatação.",
    "text_html": "O que foi escrito, com formatação (para a parte HTML).",
    "solution": "A solução sem formatação; vazia quando não há, ou quando o parâmetro 371 não é S.",
    "solution_html": "A solução com formatação (para a parte HTML); vazia nos mesmos casos.",
    "happened_at": "Data e hora do acontecido, no idioma e no fuso de quem recebe.",
    "link": "Endereço do chamado no portal ou, para atendentes, na área de execução.",
    "language": "Idioma de quem recebe: pt-BR, en ou es.",
}
"""Each variable of a template with what it holds, for those who write templates."""


def wrong_parts(template: EmailTemplateSaved) -> list[FieldError]:
    """What is wrong with a template before anybody renders it: its syntax, or a name it does not have."""
    return [
        FieldError(pointer(["variants", number, part]), wrong)
        for number, variant in enumerate(template.variants)
        for part in ("subject", "text", "html")
        if (wrong := _wrong(variant, part)) is not None
    ]


def _wrong(variant: EmailVariant, part: str) -> str | None:
    """Parsed and not compiled: compiling evaluates constants, and ``{{ 9**9**9 }}`` is one."""
    environment = HTML if part == "html" else PLAIN
    try:
        parsed = environment.parse(getattr(variant, part))
        variables = meta.find_undeclared_variables(parsed) - VARIABLES.keys()
    except (TemplateSyntaxError, RecursionError) as error:
        return f"{type(error).__name__}: {error}"[:300]
    filters = {each.name for each in parsed.find_all(nodes.Filter)} - environment.filters.keys()
    tests = {each.name for each in parsed.find_all(nodes.Test)} - environment.tests.keys()
    for kind, unknown in (("variable", variables), ("filter", filters), ("test", tests)):
        if unknown:
            return f"There is no {kind} {', '.join(sorted(unknown))}."
    return None
