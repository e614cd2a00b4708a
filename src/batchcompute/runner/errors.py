"""The base of errors that carry the code and message of a response or of an instance's result."""

from __future__ import annotations

__all__: list[str] = []


class CodedError(Exception):
    """An error with a code for programs and a message for people.

    Args:
        code: Code of the error, as the API knows it.
        message: Message of the error.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code: str = code
        self.message: str = message

    def __str__(self) -> str:
        return self.message
