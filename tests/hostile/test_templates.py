"""Templates that people wrote to see what they can reach, or to keep the notifier busy."""

import time
from collections.abc import AsyncIterator
from dataclasses import asdict

import pytest
from notifier.letter import Letter
from notifier.render import Rendered, Renderer, TemplateError
from relato_contracts.itsm import EmailVariant

_SECONDS = 0.5
LETTER = Letter(
    "message", "1001", "t", "Carlos", "Ana", "x", "<p>x</p>", "", "", "h", "http://l.example", "pt-BR"
)


@pytest.fixture
async def renderer() -> AsyncIterator[Renderer]:
    renderer = Renderer(_SECONDS)
    yield renderer
    await renderer.close()


def variant(template: str) -> EmailVariant:
    return EmailVariant(language="pt-BR", subject="s", text=template, html="<p>h</p>")


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ text.__init__.__globals__ }}",
        "{{ self.__init__.__globals__.__builtins__ }}",
        "{{ cycler.__init__.__globals__.os.environ }}",
        "{{ lipsum.__globals__['os'].popen('id').read() }}",
        "{{ namespace.__class__.__base__ }}",
        "{{ text|attr('__class__') }}",
        "{{ '%s'|format(text)|attr('__class__') }}",
        "{{ ''.format_map({}).__class__ }}",
        "{{ '{0.__class__.__mro__}'.format(text) }}",
        "{{ ['__class__']|map(attribute='__class__')|list }}",
        "{{ (text|string).__class__ }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}{{ os }}",
        "{% extends 'x' %}",
        "{{ config }}",
        "{{ request }}",
        "{{ undefined_name }}",
        "{{ range(100000000)|list|length }}",
        "{% set x = [] %}{{ x.append(1) }}",
    ],
)
async def test_a_template_reaches_nothing_but_its_letter(renderer: Renderer, template: str) -> None:
    try:
        rendered = await renderer.render(variant(template), LETTER)
    except TemplateError:
        return
    for leak in ("class '", "<module", "environ", "PATH", "root:", "uid=", "<function", "__"):
        assert leak not in rendered.text.replace("__class__", ""), rendered.text[:200]


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% for a in range(99999) %}{% for b in range(99999) %}xxxxxxxxxxxxxxxxxxx{% endfor %}{% endfor %}",
        "{% set x = namespace(v='x') %}{% for a in range(99999) %}{% set x.v = x.v ~ x.v %}{% endfor %}",
        "{{ 'x' * 10 ** 10 }}",
        "{{ 9 ** (9 ** 9) }}",
        "{{ '%0999999999d' % 1 }}",
        "{{ 'x'.ljust(9999999999) }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ lipsum(n=99999999) }}",
        "{{ " + "(" * 900 + "1" + ")" * 900 + " }}",
    ],
)  # fmt: skip
async def test_an_endless_template_ends_and_the_next_one_is_rendered(
    renderer: Renderer, template: str
) -> None:
    await renderer.render(variant("warm"), LETTER)
    began = time.perf_counter()
    with pytest.raises(TemplateError):
        await renderer.render(variant(template), LETTER)
    assert time.perf_counter() - began < 10
    assert (await renderer.render(variant("{{ text }}"), LETTER)).text == asdict(LETTER)["text"]


async def test_an_endless_template_among_others_costs_these_nothing(renderer: Renderer) -> None:
    endless, greedy = "{{ 9 ** (9 ** 9) }}", "{% set x = 'x' * 10 ** 10 %}"
    templates = ["a{{ text }}", endless, "b{{ text }}", endless, "{{ wrong }}", greedy, "c{{ text }}"]
    began = time.perf_counter()

    made = await renderer.render_all([(variant(each), LETTER) for each in templates])

    assert [each.text if isinstance(each, Rendered) else None for each in made] == [
        "ax", None, "bx", None, None, None, "cx",
    ]  # fmt: skip
    assert time.perf_counter() - began < 10
    assert "longer than" in str(made[1])
    assert str(made[3]) == str(made[1])
    assert "wrong" in str(made[4])
