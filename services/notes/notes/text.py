"""Rich text on its way in: what may stand in it, what it says without markup, whether it shows anything."""

import unicodedata
from dataclasses import dataclass
from html.parser import HTMLParser

import nh3

_TAGS = {
    "p", "br", "div", "strong", "b", "em", "i", "u", "del", "s", "a", "blockquote", "code", "pre",
    "ul", "ol", "li", "h1", "h2", "h3",
}  # fmt: skip
_BLOCKS = {"p", "div", "blockquote", "pre", "ul", "ol", "li", "h1", "h2", "h3"}
_PREFIXES = {"li": "• ", "blockquote": "> "}
# Attributes are named one by one: nh3's own choice lets addresses through (``blockquote cite``).
_SANITISER = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags={"script", "style", "title", "textarea", "xmp", "noembed", "noframes", "iframe"},
    attributes={"*": set(), "a": {"href"}},
    url_schemes={"http", "https", "mailto", "tel"},
    link_rel="noopener noreferrer nofollow",
    url_relative="deny",
    strip_comments=True,
)
# Letters, by their category, that nevertheless show nothing.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")


@dataclass(frozen=True, slots=True)
class RichText:
    """Sanitised HTML, and the same as plain text."""

    html: str
    plain: str

    @property
    def shows_nothing(self) -> bool:
        """Whether a reader would see an empty place."""
        return not shows_something(self.plain)


def read(html: str) -> RichText:
    """HTML as somebody sent it, reduced to what may be kept and shown."""
    clean = _SANITISER.clean(html).strip()
    reader = _PlainText()
    reader.feed(clean)
    reader.close()
    return RichText(clean, reader.text())


def shows_something(text: str) -> bool:
    """Whether any character of a text can be seen: no space, control, format or lone combining mark."""
    return any(
        unicodedata.category(character)[0] not in "ZCM" and character not in _BLANK for character in text
    )


class _PlainText(HTMLParser):
    """Blocks on lines of their own, bullets for items, addresses of links behind their text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self._parts.append("\n")
        elif tag in _BLOCKS:
            self._break()
            if tag in _PREFIXES:
                self._parts.append(_PREFIXES[tag])
        elif tag == "a":
            self._links.append((dict(attrs).get("href") or "", len(self._parts)))

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._break()
        elif tag == "a" and self._links:
            address, start = self._links.pop()
            if address and address != "".join(self._parts[start:]).strip():
                self._parts.append(f" <{address}>")

    def handle_data(self, data: str) -> None:
        self._parts.append(data)

    def _break(self) -> None:
        if self._parts and not self._parts[-1].endswith("\n"):
            self._parts.append("\n")

    def text(self) -> str:
        """What was read."""
        lines = [line.rstrip() for line in "".join(self._parts).split("\n")]
        return "\n".join(lines).strip()
