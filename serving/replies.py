"""Error -> typed JSON body: {"error": {"code", "message", "retryable", "request_id"}}."""

from collections.abc import Sequence
from typing import Any

from starlette.responses import JSONResponse

from runnables.errors import RequestError

_SENTENCES = {
    "string_too_short": "不能为空",
    "string_too_long": "太长了",
    "too_short": "至少要有一项",
    "too_long": "太多了",
    "missing": "缺少这一项",
    "string_type": "应该是文字",
    "list_type": "应该是列表",
    "json_invalid": "不是合法的 JSON",
    "model_attributes_type": "应该是一个对象",
    "dict_type": "应该是一个对象",
}


def error_body(code: str, message: str, request_id: str, *, retryable: bool = False) -> dict[str, Any]:
    """The one shape of every error."""
    return {"error": {"code": code, "message": message, "retryable": retryable, "request_id": request_id}}


def error_response(
    status: int, code: str, message: str, request_id: str, *, retry_after_s: int | None = None
) -> JSONResponse:
    """An error as a response."""
    headers = {"Retry-After": str(retry_after_s)} if retry_after_s is not None else None
    body = error_body(code, message, request_id, retryable=retry_after_s is not None)
    return JSONResponse(body, status_code=status, headers=headers)


def from_request_error(error: RequestError, request_id: str) -> JSONResponse:
    """A per-request error with the status and Retry-After of its class."""
    return error_response(error.status, error.code, str(error), request_id, retry_after_s=error.retry_after_s)


def validation_sentence(errors: Sequence[Any]) -> str:
    """Pydantic's errors -> one sentence that names places and faults, and echoes nothing of the input."""
    parts: list[str] = []
    for item in errors:
        if not isinstance(item, dict):
            # LangServe reports a body that is no JSON as a bare text.
            parts.append("请求不是合法的 JSON" if "JSON" in str(item) else str(item))
            continue
        where = ".".join(str(part) for part in item["loc"] if part not in ("body", "root")) or "请求"
        fault = _SENTENCES.get(item["type"], str(item["msg"]))
        limit = item.get("ctx", {}).get("max_length") if isinstance(item.get("ctx"), dict) else None
        parts.append(f"{where} {fault}" + (f"（最多 {limit}）" if limit else ""))
    return "输入不对：" + "；".join(list(dict.fromkeys(parts))[:5]) + "。"
