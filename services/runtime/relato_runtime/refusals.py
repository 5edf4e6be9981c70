"""Why what an operator asks for is not done."""

from datetime import datetime


class Refused(Exception):
    """What an operator asked for cannot be done now; the text says why."""


class Held(Exception):
    """Another operator is at it."""

    def __init__(self, name: str, action: str, since: datetime) -> None:
        super().__init__(f"{name} is at it ({action}, since {since:%Y-%m-%d %H:%M:%S} UTC).")
