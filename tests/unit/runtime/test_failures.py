"""What is logged of an exception says where and what, and quotes nobody."""

import asyncpg
from pydantic import BaseModel, ValidationError
from relato_runtime.failures import described, traced

SECRET = "segredo da Ana"


class Strict(BaseModel):
    minutes: int


def raised(error: Exception) -> str:
    """The log's text of an exception that was raised and caught with its cause."""
    try:
        try:
            raise error
        except Exception as cause:
            raise RuntimeError("while writing") from cause
    except RuntimeError as outer:
        return str(traced(None, "", {"exc_info": outer})["exception"])


def test_a_database_error_is_told_without_the_row_that_it_is_about() -> None:
    error = asyncpg.UniqueViolationError(f"duplicate key\nDETAIL: Key (name)=({SECRET}) already exists.")
    error.constraint_name = "mails_key"
    text = raised(error)
    assert SECRET not in text
    assert "UniqueViolationError: sqlstate=23505 constraint_name=mails_key" in text


def test_a_validation_error_is_told_without_the_value() -> None:
    try:
        Strict.model_validate({"minutes": SECRET})
    except ValidationError as error:
        text = described(error)
    assert SECRET not in text
    assert "minutes: int_parsing" in text


def test_the_places_and_the_cause_are_told() -> None:
    text = raised(ConnectionError("refused"))
    assert "RuntimeError: while writing" in text
    assert "from ConnectionError: refused" in text
    assert "test_failures.py" in text
