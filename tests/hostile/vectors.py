"""HTML that means no good, and what may be left of it."""

import json
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

OUR_OWN = [
    "<a href='java\x00script:alert(1)'>x</a>",
    "<a href='\x01javascript:alert(1)'>x</a>",
    "<a href='&#x6a;avascript&colon;alert(1)'>x</a>",
    "<a href='jAvAsCrIpT&Tab;:alert(1)'>x</a>",
    "<a href='https://a.example\"onmouseover=alert(1) '>x</a>",
    "<a href=https://a.example/`onclick=alert(1)`>x</a>",
    "<svg/onload=alert(1)>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[><img src=x onerror=alert(1)>]]>",
    "<template><script>alert(1)</script></template>",
    "<base href='https://evil.example/'>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<p style='position:fixed;inset:0'>x</p>",
    "<img src=https://evil.example/pixel.gif>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "{{ 7 * 7 }} {% include '/etc/passwd' %} ${7*7} <%= 7*7 %>",
    "<p>" * 5_000,
    "<ul><li>" * 2_000 + "x",
    "<" * 20_000,
    "&" * 20_000,
    "<a href='" + "a" * 60_000,
    "\ufeff<scr\u200bipt>alert(1)</scr\u200bipt>",
    "\u202e<b>gnp.exe</b>\u202c",
]

_ATTRIBUTES = {"a": {"href", "rel"}}
_SCHEMES = {"http", "https", "mailto", "tel"}


def all_vectors() -> list[str]:
    """Those that were published, and our own."""
    published = json.loads((Path(__file__).parent / "data" / "vectors.json").read_text(encoding="utf-8"))
    return [vector for source in published for vector in source["vectors"]] + OUR_OWN


class Elements(HTMLParser):
    """What a reader of the HTML would make of it: elements and attributes that should not be there."""

    def __init__(self, allowed: set[str]) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self._allowed = allowed

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self._allowed:
            self.wrong.append(f"<{tag}>")
        for name, value in attrs:
            if name not in _ATTRIBUTES.get(tag, set()):
                self.wrong.append(f"<{tag} {name}={value}>")
            elif name == "href" and urlsplit((value or "").strip()).scheme.lower() not in _SCHEMES:
                self.wrong.append(f"<{tag} href={value}>")

    def handle_comment(self, data: str) -> None:
        self.wrong.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.wrong.append(f"<!{decl}>")

    def unknown_decl(self, data: str) -> None:
        self.wrong.append(f"<![{data}]>")

    def handle_pi(self, data: str) -> None:
        self.wrong.append(f"<?{data}>")


def wrong_in(html: str, allowed: set[str]) -> list[str]:
    """What should not be in some HTML."""
    reader = Elements(allowed)
    reader.feed(html)
    reader.close()
    return reader.wrong
