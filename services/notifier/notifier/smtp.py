"""The mail server: kept connections, and errors told apart by what may have become of the mail."""

import asyncio
import socket
import ssl
from functools import cache

from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from notifier.settings import MailServer

_ANSWER_CHARACTERS = 1_000
_FRESH_SECONDS = 1.0


class Refusal(Exception):
    """A mail was not accepted; ``answer`` is what the server said, or what went wrong."""

    def __init__(self, answer: str, code: int | None = None) -> None:
        self.answer = answer.replace("\0", "")[:_ANSWER_CHARACTERS]
        self.code = code
        super().__init__(f"{type(self).__name__} {code or ''}".strip())


class Permanent(Refusal):
    """The server will never take it (5xx)."""


class Transient(Refusal):
    """It was certainly not taken, and may be another time (4xx, no connection)."""


class Uncertain(Refusal):
    """It was handed over, and no answer came."""


class MailConnection:
    """One connection, opened when needed and kept."""

    def __init__(self, server: MailServer, connect_seconds: float, submit_seconds: float) -> None:
        self._server = server
        self._connect_seconds = connect_seconds
        self._submit_seconds = submit_seconds
        self._client: SMTP | None = None
        self._used_at = 0.0

    async def ready(self) -> None:
        """Have a connection that the server answers on; ``Transient`` when there is none to be had."""
        try:
            async with asyncio.timeout(self._connect_seconds):
                idle = asyncio.get_running_loop().time() - self._used_at
                if self._client is not None and idle > _FRESH_SECONDS and not await _alive(self._client):
                    self.close()
                if self._client is None:
                    self._client = await self._connect()
        except (SMTPException, OSError, TimeoutError) as error:
            self.close()
            raise _transient(error) from error

    async def submit(self, sender: str, recipient: str, source: bytes) -> tuple[int, str]:
        """Hand a mail over: the server's answer to it, or the ``Refusal``."""
        client = self._client
        assert client is not None, "ready() comes first"
        deadline = asyncio.get_running_loop().time() + self._submit_seconds
        try:
            await self._envelope(client, sender, recipient, deadline)
            answer = await self._content(client, source, deadline)
        except BaseException:
            # What the server now holds of the mail is not certain: the next begins afresh.
            self.close()
            raise
        self._used_at = asyncio.get_running_loop().time()
        return answer

    async def _envelope(self, client: SMTP, sender: str, recipient: str, deadline: float) -> None:
        utf8 = not (sender + recipient).isascii()
        if utf8 and not client.supports_extension("smtputf8"):
            raise Permanent("the mail server does not support addresses beyond ASCII (SMTPUTF8)")
        options, encoding = (["SMTPUTF8"], "utf-8") if utf8 else ([], "ascii")
        try:
            async with asyncio.timeout_at(deadline):
                await client.mail(sender, options=options, encoding=encoding)
                await client.rcpt(recipient, encoding=encoding)
        except SMTPResponseException as error:
            raise _refused(error, otherwise=Transient) from error
        except (SMTPException, OSError) as error:  # among them TimeoutError
            raise _transient(error) from error

    async def _content(self, client: SMTP, source: bytes, deadline: float) -> tuple[int, str]:
        try:
            async with asyncio.timeout_at(deadline):
                response = await client.data(source)
        except SMTPResponseException as error:
            raise _refused(error, otherwise=Uncertain) from error
        except TimeoutError as error:
            raise Uncertain(f"no answer within {self._submit_seconds:g} s") from error
        except (SMTPException, OSError) as error:
            raise Uncertain(_said(error)) from error
        return response.code, response.message.replace("\0", "")[:_ANSWER_CHARACTERS]

    async def _connect(self) -> SMTP:
        server = self._server
        client = SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            local_hostname=await asyncio.to_thread(_own_name),
            use_tls=server.encryption == "tls",
            start_tls=server.encryption == "starttls",
            tls_context=ssl.create_default_context() if server.encryption != "none" else None,
            timeout=None,
        )
        await client.connect()
        return client

    def close(self) -> None:
        """Drop the connection."""
        client, self._client = self._client, None
        if client is not None:
            client.close()


@cache
def _own_name() -> str:
    """What we call ourselves (RFC 5321 §4.1.1.1): asked once, where names are slow to resolve."""
    return socket.getfqdn()


async def _alive(client: SMTP) -> bool:
    """Servers drop connections that idle; better to learn it before there is anything to lose."""
    try:
        await client.rset()
    except (SMTPException, OSError):
        return False
    return True


def _refused(error: SMTPResponseException, *, otherwise: type[Refusal]) -> Refusal:
    kinds: dict[int, type[Refusal]] = {4: Transient, 5: Permanent}
    return kinds.get(error.code // 100, otherwise)(error.message, error.code)


def _transient(error: Exception) -> Transient:
    code = error.code if isinstance(error, SMTPResponseException) else None
    return Transient(_said(error), code)


def _said(error: Exception) -> str:
    return (error.message if isinstance(error, SMTPResponseException) else str(error)) or type(error).__name__
