"""Settings of the portal's queries."""

from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints
from relato_runtime.settings import ServiceSettings


class PortalSettings(ServiceSettings):
    """What the portal needs beyond what every service does.

    ``database_url`` is of the owner of sessions and presence; the two others may only read.
    """

    executor_database_url: SecretStr
    requester_database_url: SecretStr
    """Of a role that cannot read anything internal, whatever is asked of it."""

    public_url: Annotated[str, StringConstraints(pattern=r"^https?://[^/?#]+$")]
    """The origin that browsers see, which decides about cookies and where logins come back to."""
    session_secret: Annotated[SecretStr, Field(min_length=16)]
    """Encrypts tokens and signs cursors; the same for all processes."""
    session_idle_minutes: Annotated[int, Field(ge=1)] = 120
    session_hours: Annotated[int, Field(ge=1)] = 12

    oidc_client_id: str
    oidc_client_secret: SecretStr
    oidc_scope: str = "openid profile"
    oidc_login_parameters: dict[str, str] = Field(default_factory=dict)
    """What else the issuer wants to hear at each login, such as ``resource`` (RFC 8707) or ``audience``."""

    presence_seconds: Annotated[int, Field(ge=1)] = 45
    """How long somebody counts as there after their page last said so."""
    stream_minutes: Annotated[float, Field(gt=0)] = 15
    """After this long a stream ends and the browser opens it anew, with its authorisation checked."""
    streams_per_person: Annotated[int, Field(ge=1)] = 100
    """How many streams one person may keep open, to one process, before 429; each open page keeps one."""

    hold_seconds: Annotated[int, Field(ge=0, le=60)] = 10
    """For how long pages let sending be undone; they say so with each command, 0 for not at all."""

    @property
    def https(self) -> bool:
        """Whether cookies may be confined to encrypted connections."""
        return self.public_url.startswith("https://")
