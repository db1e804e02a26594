"""Every request error is an HTTP answer by itself."""

import inspect

import pytest
from langchain_core.exceptions import LangChainException

from runnables import errors
from runnables.errors import BusyError, InvalidInputError, ModelError, NotReadyError, RequestError

TABLE = [
    (RequestError, 500, "error", False, None),
    (InvalidInputError, 422, "invalid_input", False, None),
    (BusyError, 429, "busy", True, 5),
    (NotReadyError, 503, "not_ready", True, 5),
    (ModelError, 503, "model_failed", True, 10),
]


@pytest.mark.parametrize(("error", "status", "code", "retryable", "retry_after_s"), TABLE)
def test_handling_is_said_by_the_class(
    error: type[RequestError], status: int, code: str, retryable: bool, retry_after_s: int | None
):
    assert (error.status, error.code, error.is_retryable, error.retry_after_s) == (
        status,
        code,
        retryable,
        retry_after_s,
    )
    assert issubclass(error, RequestError)
    assert issubclass(error, LangChainException)
    assert str(error("一句话。")) == "一句话。"


def test_the_table_has_every_error_of_the_module_and_the_docstring_draws_it():
    classes = [item for _, item in inspect.getmembers(errors, inspect.isclass) if item.__module__ == errors.__name__]
    assert {row[0] for row in TABLE} == set(classes)
    for item in classes:
        assert item.__name__ in (errors.__doc__ or "")
        if item is not RequestError:
            assert f"{item.__name__:<20} {item.status}" in (errors.__doc__ or "").replace("  + ", "")


def test_only_what_may_go_better_later_is_retryable():
    for error, _, _, retryable, retry_after_s in TABLE:
        assert retryable == (error.status in (429, 503))
        assert (retry_after_s is not None) == retryable
