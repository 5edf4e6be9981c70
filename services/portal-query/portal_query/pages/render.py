"""From a template to an answer."""

from collections.abc import Mapping
from pathlib import Path

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup
from relato_contracts.erasure import ERASED

from portal_query.browser import uncached
from portal_query.pages import formats, removed, words
from portal_query.pages.reader import Reader, stranger
from portal_query.static import Static

_TEMPLATES = Path(__file__).parents[1] / "templates"


class _Compiled(BytecodeCache):
    """What templates were compiled to: the same in each language, and compiling takes longer than a page."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._known:
            bucket.bytecode_from_string(self._known[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._known[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


class Pages:
    """The templates, once for each language."""

    def __init__(self, static: Static, hold_seconds: int) -> None:
        known = words.translations()
        self._gettext = {language: translations.gettext for language, translations in known.items()}
        self._environments: Mapping[str, Environment] = {
            language: _environment(static, translations, hold_seconds)
            for language, translations in known.items()
        }

    def page(self, request: Request, reader: Reader, template: str, /, **context: object) -> HTMLResponse:
        """A page for a reader; nobody keeps it, since the next one before the machine may be another."""
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        response = HTMLResponse(self.fragment(reader, template, here=here, **context))
        uncached(response)
        return response

    def fragment(self, reader: Reader, template: str, /, **context: object) -> str:
        """HTML for a reader."""
        made = self._environments[reader.language].get_template(template)
        html = made.render(reader=reader, **context)
        # Hardly any page says something that was erased; to look for it in all that any could say costs more.
        if ERASED in html:
            html = made.render(reader=reader, **removed.readable(context, self._gettext[reader.language]))
        return html

    def error(self, request: Request, status: int) -> HTMLResponse:
        """The page that says what went wrong, in the reader's language."""
        reader = getattr(request.state, "reader", None) or stranger(request)
        page = self.page(request, reader, "error.html", status_code=status)
        page.status_code = status
        return page


def _environment(static: Static, translations: object, hold_seconds: int) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_COMPILED,
        auto_reload=False,  # each page would ask the disk about its template and all that this imports
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined]  # the extension's
    environment.filters |= {
        "moment": formats.moment,
        "day": formats.day,
        "clock": formats.clock,
        "exact": formats.exact,
        "iso": formats.iso,
        "apart": formats.apart,
        "duration": formats.duration,
        "number": formats.number,
        # The only place where HTML counts as such: the text of a note, which was sanitised on its way in.
        "sanitised": Markup,
    }
    environment.globals |= {
        "static": static.address,
        "languages": words.LANGUAGES,
        "hold_seconds": hold_seconds,
    }
    return environment
