"""Settings that are read once, and refused with a reason."""

import pytest
from notifier.settings import MailServer, NotifierSettings, Sender, mail_server, sender
from pydantic import HttpUrl, SecretStr, ValidationError


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://127.0.0.1:2525", MailServer("127.0.0.1", 2525, None, None, "none")),
        ("smtp://mail.example", MailServer("mail.example", 25, None, None, "none")),
        ("smtps://a%40b:p%2Fw@mail.example", MailServer("mail.example", 465, "a@b", "p/w", "tls")),
        ("smtp://u:p@m.example?starttls=true", MailServer("m.example", 587, "u", "p", "starttls")),
    ],
)
def test_a_mail_server_is_named_by_its_address(url: str, expected: MailServer) -> None:
    assert mail_server(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "http://x",
        "smtp://",
        "smtp://x/path",
        "smtp://x?tls=1",
        "smtps://x?starttls=true",
        "smtp://x?starttls=2",
    ],
)
def test_an_address_that_is_no_mail_server_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"expected|option|encrypted"):
        mail_server(url)


def test_a_sender_is_an_address_or_a_name_and_an_address() -> None:
    assert sender("a@b.example") == Sender("", "a@b.example")
    assert sender("Suporte TI <a@b.example>") == Sender("Suporte TI", "a@b.example")
    for wrong in ("", "suporte", "a@b.example\r\nBcc: c@d.example", "a b@c.example"):
        with pytest.raises(ValueError, match="address"):
            sender(wrong)


def test_a_lease_must_outlast_the_handing_over() -> None:
    with pytest.raises(ValidationError, match="RELATO_LEASE_SECONDS"):
        NotifierSettings(
            database_url=SecretStr("postgresql:///x"),
            kafka_bootstrap="127.0.0.1:9092",
            oidc_issuer="http://127.0.0.1",
            smtp_url=SecretStr("smtp://127.0.0.1"),
            public_url=HttpUrl("http://127.0.0.1"),
            smtp_timeout_seconds=60,
            lease_seconds=30,
        )
