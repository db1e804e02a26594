"""What can go wrong with one request; every message is a sentence for the person who asked.

* RequestError           status, code, retryable and Retry-After live on the class
  + InvalidInputError    422  the input cannot be used
  + BusyError            429  every place and every waiting place is taken
  + NotReadyError        503  models or index are still loading
  + ModelError           503  the model failed or could not be reached
"""

from typing import ClassVar

from langchain_core.exceptions import LangChainException


class RequestError(LangChainException):
    """Base of all per-request errors."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "error"
    is_retryable: ClassVar[bool] = False
    retry_after_s: ClassVar[int | None] = None


class InvalidInputError(RequestError):
    """The input cannot be used as it is."""

    status, code = 422, "invalid_input"


class BusyError(RequestError):
    """Too many requests are waiting already."""

    status, code, is_retryable, retry_after_s = 429, "busy", True, 5


class NotReadyError(RequestError):
    """Something that this request needs is still loading."""

    status, code, is_retryable, retry_after_s = 503, "not_ready", True, 5


class ModelError(RequestError):
    """The model behind the request failed."""

    status, code, is_retryable, retry_after_s = 503, "model_failed", True, 10
