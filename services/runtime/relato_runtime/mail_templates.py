"""What mail templates may say: where they are saved and where they are rendered, the same is true.

Jinja2's sandbox keeps templates away from Python, not from eating time and memory; whoever renders
what people wrote has to bound both.
"""

from collections.abc import Mapping

from jinja2 import Environment, StrictUndefined, TemplateSyntaxError, meta, nodes
from jinja2.compiler import Frame
from jinja2.sandbox import ImmutableSandboxedEnvironment
from relato_contracts.itsm import EmailTemplateSaved, EmailVariant

from relato_runtime.field_errors import FieldError, pointer
from relato_runtime.template_faults import Fault, fault

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
        wrong.at(pointer(["variants", number, part]))
        for number, variant in enumerate(template.variants)
        for part in ("subject", "text", "html")
        if (wrong := _wrong(variant, part)) is not None
    ]


def _wrong(variant: EmailVariant, part: str) -> Fault | None:
    environment = HTML if part == "html" else PLAIN
    try:
        parsed = environment.parse(getattr(variant, part))
        variables = _Names(environment, parsed).undeclared_identifiers - VARIABLES.keys()
    except TemplateSyntaxError as error:
        return fault(error.message or "", error.lineno, otherwise="syntax")
    except RecursionError:
        return Fault("too-deep", "It is nested too deeply.")
    used: dict[str, list[nodes.Name] | list[nodes.Filter] | list[nodes.Test]] = {
        "variable": [each for each in parsed.find_all(nodes.Name) if each.name in variables],
        "filter": [each for each in parsed.find_all(nodes.Filter) if each.name not in environment.filters],
        "test": [each for each in parsed.find_all(nodes.Test) if each.name not in environment.tests],
    }
    for kind, unknown in used.items():
        if unknown:
            names = ", ".join(sorted({each.name for each in unknown}))
            line = min(each.lineno for each in unknown)
            return Fault(f"unknown-{kind}", f"There is no {kind} {names}.", line, {"name": names})
    return None


class _Names(meta.TrackingCodeGenerator):
    """The names that a template uses, found without evaluating constants.

    Jinja2's own way (``meta.find_undeclared_variables``) computes them while it looks, and
    ``{{ '%0999999999d' % 1 }}`` is one.
    """

    def __init__(self, environment: Environment, parsed: nodes.Template) -> None:
        super().__init__(environment)
        self.optimizer = None
        self.visit(parsed)

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: object) -> str:
        raise nodes.Impossible
