"""Rich text: what may stand in it, and what it says without its markup."""

import pytest
from notes import text


def test_the_formats_of_the_composer_are_kept() -> None:
    html = "<p><strong>a</strong> <em>b</em> <del>c</del></p><blockquote>e</blockquote><ul><li>f</li></ul>"
    assert text.read(html).html == html


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<p onclick=alert(1)>x</p>",
        "<a href='javascript:alert(1)'>x</a>",
        "<a href=' java\nscript:alert(1)'>x</a>",
        "<a href='data:text/html;base64,PHNjcmlwdD4='>x</a>",
        "<blockquote cite='javascript:alert(1)'>x</blockquote>",
        "<img src=x onerror=alert(1)>",
        "<svg><script>alert(1)</script></svg>",
        "<p style='background:url(javascript:alert(1))'>x</p>",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    ],
)
def test_nothing_active_gets_through(html: str) -> None:
    clean = text.read(html).html.lower()
    for active in ("script", "javascript:", "data:", "onclick", "onerror", "style", "<img", "<svg", "cite"):
        assert active not in clean.replace("&lt;", "")


def test_addresses_are_web_mail_and_telephone_only() -> None:
    for kept in ("https://a.example/", "http://a.example/", "mailto:a@b.example", "tel:+551199"):
        assert f'href="{kept}"' in text.read(f'<a href="{kept}">x</a>').html
    for dropped in ("ftp://a.example/", "file:///etc/passwd", "//evil.example", "/login", "vbscript:x"):
        assert "href" not in text.read(f'<a href="{dropped}">x</a>').html


def test_plain_text_keeps_blocks_apart_and_shows_where_links_lead() -> None:
    rich = text.read(
        '<p>Um</p><p>Dois<br>Três</p><ul><li>A</li><li>B</li></ul><a href="https://x.example/">aqui</a>'
    )
    assert rich.plain == "Um\nDois\nTrês\n• A\n• B\naqui <https://x.example/>"


def test_entities_become_characters_in_plain_text() -> None:
    assert text.read("<p>a &lt; b &amp; c</p>").plain == "a < b & c"
