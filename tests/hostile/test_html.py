"""HTML from others: nothing active in what is kept, nor in the mails that are made of it."""

import time
from dataclasses import asdict
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from uuid import UUID

import pytest
from notes import text
from notifier import sandbox
from notifier.letter import Letter, marked_up
from notifier.message import Headed, build
from notifier.render import Rendered
from notifier.settings import Sender

from tests.hostile.vectors import OUR_OWN, all_vectors, wrong_in

_KEPT = {
    "p", "br", "div", "strong", "b", "em", "i", "u", "del", "s", "a", "blockquote", "code", "pre",
    "ul", "ol", "li", "h1", "h2", "h3",
}  # fmt: skip
_OF_MAILS = _KEPT | {"html", "head", "body"}
_TEMPLATE = {
    "subject": "{{ ticket_title }} {{ author_name }}",
    "text": "{{ recipient_name }}: {{ text }} {{ solution }}",
    "html": "<h1>{{ ticket_title }}</h1>{{ author_name }} {{ text }} {{ recipient_name }} {{ text_html }}",
}


def test_nothing_active_is_left_of_any_vector_however_often_it_is_read() -> None:
    for vector in all_vectors():
        once = text.read(vector)
        assert wrong_in(once.html, _KEPT) == [], vector[:200]
        # What is read again as HTML, by a browser or by us, is not to become something else.
        assert text.read(once.html).html == once.html, vector[:200]


def test_reading_takes_no_longer_for_what_was_made_to_take_long() -> None:
    for vector in [*OUR_OWN, "<a>" * 20_000, "<b><i>" * 10_000, "</p>" * 16_000, "&lt;" * 16_000]:
        began = time.process_time()
        text.read(vector[:65_536])
        assert time.process_time() - began < 2, vector[:40]


@pytest.mark.parametrize("field", ["ticket_title", "author_name", "recipient_name", "text", "solution"])
def test_names_and_texts_are_text_in_the_html_of_mails(field: str) -> None:
    for vector in all_vectors():
        if len(vector) < 900:  # longer than any name or title
            rendered = sandbox.render(_TEMPLATE, asdict(_letter(**{field: vector})))
            assert wrong_in(rendered["html"], _OF_MAILS) == [], vector


def test_what_was_written_stays_harmless_in_mails() -> None:
    for vector in all_vectors():
        if len(vector) < 2_000:
            read = text.read(vector)
            letter = _letter(
                text=read.plain, text_html=read.html, solution=vector, solution_html=marked_up(vector)
            )
            rendered = sandbox.render(_TEMPLATE, asdict(letter))
            assert wrong_in(rendered["html"], _OF_MAILS) == [], vector


@pytest.mark.parametrize(
    "line",
    [
        "a\r\nBcc: x@evil.example",
        "a\nBcc: x@evil.example",
        "a\rBcc: x@evil.example",
        "a\r\n\r\n<script>alert(1)</script>",
        "a\u2028Bcc: x@evil.example",
        "a\u0085Bcc: x@evil.example",
        "a\x0bBcc: x@evil.example\x0c",
        "=?utf-8?q?a=0D=0ABcc:_x@evil.example?=",
        "\"a\" <x@evil.example>, b",
        "a\\\" <x@evil.example>",
        "a, x@evil.example; group: y@evil.example;",
        "\ud800 lone",
        "e" + "\u0301" * 499,
        "\u202efdp.exe",
        "a" * 5_000,
        "\0",
    ],
)  # fmt: skip
def test_no_name_and_no_title_makes_a_header_or_a_recipient(line: str) -> None:
    rendered = Rendered(f"{line} {line}", line, f"<p>{line}</p>")
    headed = Headed(
        *(UUID(int=1), Sender(line, "suporte@relato.example"), "ana@empresa.example", line, "1001"),
        *(datetime.now(UTC), ()),
    )
    if "\ud800" in line:  # no fact can hold it; a mail that does is suppressed
        with pytest.raises(ValueError, match="surrogates"):
            build(headed, rendered)
        return
    source = build(headed, rendered)
    mail = message_from_bytes(source, policy=SMTP)
    assert isinstance(mail, EmailMessage)
    assert not {name.lower() for name in mail} & {"bcc", "cc", "reply-to"}
    assert [address.addr_spec for address in mail["To"].addresses] == ["ana@empresa.example"]
    assert [address.addr_spec for address in mail["From"].addresses] == ["suporte@relato.example"]
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize(
    "address",
    [
        "=?utf-8?q?a=0D=0ABcc=3A_x?=@empresa.example",
        "x@=?utf-8?q?a=0D=0ABcc=3A_x?=",
        "a=?utf-8?b?DQpCY2M6IHg=?=@empresa.example",
    ],
)
def test_an_address_that_would_be_decoded_is_refused(address: str) -> None:
    headed = Headed(
        *(UUID(int=1), Sender("Suporte", "suporte@relato.example"), address, "Ana", "1001"),
        *(datetime.now(UTC), ()),
    )
    with pytest.raises(ValueError, match="encoded word"):
        build(headed, Rendered("s", "t", "<p>h</p>"))


def _letter(**changes: str) -> Letter:
    known = dict.fromkeys(Letter.__slots__, "x") | {"kind": "message", "language": "pt-BR"} | changes
    return Letter(**known)  # type: ignore[arg-type]  # the kind is one of those that there are
