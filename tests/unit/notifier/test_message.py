"""Mails as they go over the wire, whatever people put into them."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notifier.message import Headed, build, mail_id, message_id
from notifier.render import Rendered
from notifier.settings import Sender

SENDER = Sender("Suporte", "suporte@relato.example")
EVENT = UUID(int=7)
HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress", "List-Id",
    "MIME-Version", "Content-Type",
}  # fmt: skip


def built(
    subject: str = "s", text: str = "t", html: str = "<p>h</p>", recipient: str = "ana@empresa.example",
    name: str = "Ana", ticket_id: str = "1001", thread: tuple[str, ...] = (), sender: Sender = SENDER,
) -> EmailMessage:  # fmt: skip
    headed = Headed(
        mail_id(EVENT, recipient, "t"), sender, recipient, name, ticket_id, datetime.now(UTC), thread
    )
    source = build(headed, Rendered(subject, text, html))
    assert all(len(line) <= 998 for line in source.split(b"\r\n"))
    message = message_from_bytes(source, policy=SMTP)
    assert isinstance(message, EmailMessage)
    return message


@given(st.text(max_size=400), st.text(max_size=100))
def test_nothing_in_a_subject_or_a_name_becomes_another_header(subject: str, name: str) -> None:
    message = built(subject=f"a{subject}\r\nBcc: x@y.example\n\nb", name=name)

    assert set(message.keys()) == HEADERS
    assert len(message.keys()) == len(HEADERS)
    assert message["To"].addresses[0].addr_spec == "ana@empresa.example"


def test_a_subject_keeps_its_accents() -> None:
    long = "Solicitação nº 1001: " + "não há conexão à rede " * 9

    assert message_subject(long) == " ".join(long.split())


def message_subject(subject: str) -> str:
    return str(built(subject=subject)["Subject"])


def test_both_parts_keep_their_text() -> None:
    message = built(text="Olá\n.\nção\n" + "x" * 3000, html="<p>Olá ção</p>")

    assert message.get_content_type() == "multipart/alternative"
    text, html = (part.get_content() for part in message.iter_parts())
    assert text.split() == ["Olá", ".", "ção", "x" * 3000]
    assert html.strip() == "<p>Olá ção</p>"


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\n\t=. "), max_size=400))
def test_what_stands_in_a_part_is_what_the_email_package_would_have_made_of_it(text: str) -> None:
    made = EmailMessage(policy=SMTP)
    made.set_content(text, charset="utf-8")
    by_the_package = message_from_bytes(made.as_bytes(), policy=SMTP)
    assert isinstance(by_the_package, EmailMessage)

    for part in built(text=text, html=text).iter_parts():
        assert part.get_content() == by_the_package.get_content()
        assert not part.defects


def test_the_boundary_cannot_stand_in_a_part() -> None:
    boundary = built().get_boundary()

    text, html = built(text=f"a\n--{boundary}--\nb", html=f"--{boundary}\n\n<p>c</p>").iter_parts()

    assert "b" in text.get_content()
    assert "<p>c</p>" in html.get_content()


def test_a_thread_is_told_by_its_first_and_last_mail() -> None:
    message = built(thread=("<a@relato.example>", "<b@relato.example>"))

    assert message["In-Reply-To"] == "<b@relato.example>"
    assert message["References"] == "<a@relato.example> <b@relato.example>"


def test_the_message_id_is_the_same_whenever_a_mail_is_planned() -> None:
    first, second = built(text="a"), built(text="b")

    assert first["Message-ID"] == second["Message-ID"]
    assert first["Message-ID"] == message_id(mail_id(EVENT, "ana@empresa.example", "t"), SENDER)
    assert mail_id(EVENT, "bia@empresa.example", "t") != mail_id(EVENT, "ana@empresa.example", "t")


def test_a_list_id_is_made_of_letters_digits_and_hyphens() -> None:
    assert built(ticket_id="REQ:10.2_b")["List-Id"] == "<ticket-REQ-10-2-b.relato.relato.example>"


def test_domains_beyond_ascii_are_written_in_ascii() -> None:
    message = built(recipient="ana@ação.example", sender=Sender("", "x@ação.example"))

    assert message["To"].addresses[0].domain == message["From"].addresses[0].domain == "xn--ao-siap.example"


def test_an_address_that_no_server_takes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"label|domain"):
        built(recipient="ana@a..example")
