"""create_app(settings) -> FastAPI: every row of ROUTES through LangServe, errors as sentences, health.

The one file that imports LangServe or FastAPI.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from langchain_core.runnables import Runnable
from langserve import add_routes
from langserve.serialization import WellKnownLCSerializer
from pydantic import BaseModel, RootModel, ValidationError, create_model
from typing_extensions import get_type_hints, is_typeddict

from chains import ROUTES, Components, Route, Settings
from chains.chat import PRINCIPAL
from runnables.errors import BusyError, NotReadyError, RequestError
from serving.guard import Guard
from serving.landing import ICON, landing_page
from serving.principal import principal_of
from serving.replies import error_response, from_request_error, validation_sentence

logger = logging.getLogger("shishen.server")
_FLUSH_S = 5.0


class SafeSerializer(WellKnownLCSerializer):
    """LangServe's serializer, for what real steps put out: numpy scalars, odd keys, exceptions without their text."""

    def dumps(self, obj: Any) -> bytes:
        """Any object -> JSON bytes; nothing makes it fail."""
        return orjson.dumps(obj, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump()
    if isinstance(value, BaseException):
        return {"error": type(value).__name__}
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    return str(value)


class Readiness:
    """Whether the models are loaded: ``loading``, ``ready`` or ``failed``, with a reason."""

    def __init__(self) -> None:
        self.state = "loading"
        self.reason = "模型正在加载，请稍等几秒。"

    async def load(self, components: Components, on_ready: Callable[[], None]) -> None:
        """Warm everything up in a thread; a failure is kept for /readyz and said once in the log."""
        try:
            await asyncio.to_thread(components.warm_up)
        except Exception as error:
            self.state, self.reason = "failed", str(error)
            logger.error("models could not be loaded: %s", error)
            return
        self.state, self.reason = "ready", ""
        on_ready()


def create_app(
    settings: Settings, *, components: Components | None = None, on_ready: Callable[[], None] = lambda: None
) -> FastAPI:
    """Build the application; the index is opened now, the models load after start-up.

    Args:
        settings: Of one profile.
        components: Ready parts, for tests; by default built from the settings.
        on_ready: Called once when all models are loaded.

    Raises:
        VectorstoreError: there is no index, or it does not fit this profile.
    """
    parts = components or Components(settings)
    readiness = Readiness()
    recipes = parts.index.manifest.recipes

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(settings.server.threads, "shishen"))
        loading = asyncio.create_task(readiness.load(parts, on_ready))
        yield
        loading.cancel()
        parts.close()
        await asyncio.to_thread(_flush_traces)

    app = FastAPI(title="食神", description="中文做菜助手：每个能力都是一条 LangChain 链", lifespan=lifespan)
    _add_pages(app, settings, recipes, readiness)
    _add_error_handlers(app)
    for route in ROUTES:
        _add_route(app, route, _named(route, parts, settings))

    generating = tuple(route.path + "/" for route in ROUTES if route.generates)

    def refuse(path: str) -> RequestError | None:
        if readiness.state == "failed":
            return NotReadyError("模型没能加载，请看服务器日志或 /readyz。")
        if readiness.state == "loading":
            return NotReadyError(readiness.reason)
        if path.startswith(generating) and parts.llm.is_full:
            return BusyError("同时在问的人太多了，请稍等几秒再试。")
        return None

    app.add_middleware(Guard, config=settings.server, refuse=refuse)
    return app


def _named(route: Route, parts: Components, settings: Settings) -> Runnable[Any, Any]:
    """A route's chain with its types, its name and what a trace should say about where it ran."""
    metadata = {"profile": settings.profile, "index": parts.index.manifest.index_id, "llm": settings.llm.model}
    name = "".join(word.title() for word in route.path.strip("/").split("_"))
    input_type, output_type = _model(f"{name}Input", route.input_type), _model(f"{name}Output", route.output_type)
    chain = route.build(parts).with_types(input_type=input_type, output_type=output_type)
    return chain.with_config(run_name=name, metadata=metadata, tags=[route.path.strip("/")])


def _model(name: str, wire_type: Any) -> type[BaseModel]:
    """A wire type as a model with a name of its own: LangServe renames names it has seen, and spoils a RootModel so.

    A TypedDict becomes a model with its fields at the top of the schema, where the chat playground looks for them.
    """
    if not is_typeddict(wire_type):
        return create_model(name, __base__=RootModel[wire_type])
    fields: dict[str, Any] = {key: (kind, ...) for key, kind in get_type_hints(wire_type, include_extras=True).items()}
    return create_model(name, **fields)


def _add_route(app: FastAPI, route: Route, chain: Runnable[Any, Any]) -> None:
    def owned(config: dict[str, Any], request: Request) -> dict[str, Any]:
        # The server says whose request it is; a client can only name its session.
        configurable = {**(config.get("configurable") or {}), PRINCIPAL: principal_of(request)}
        return {**config, "configurable": configurable}

    add_routes(
        app,
        chain,
        path=route.path,
        playground_type=route.playground_type,
        per_req_config_modifier=owned,
        serializer=SafeSerializer(),
    )


def _add_pages(app: FastAPI, settings: Settings, recipes: int, readiness: Readiness) -> None:
    @app.get("/", include_in_schema=False)
    async def landing(request: Request) -> HTMLResponse:
        return HTMLResponse(landing_page(settings.profile, recipes, str(request.base_url).rstrip("/")))

    @app.get("/favicon.ico", include_in_schema=False)
    async def icon() -> Response:
        return Response(ICON, media_type="image/svg+xml")

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process runs."""
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        """Models and index are loaded."""
        ready = readiness.state == "ready"
        body = {"status": readiness.state, "reason": readiness.reason, "profile": settings.profile, "recipes": recipes}
        return JSONResponse(body, status_code=200 if ready else 503, headers=None if ready else {"Retry-After": "5"})


def _add_error_handlers(app: FastAPI) -> None:
    @app.exception_handler(RequestError)
    async def request_error(request: Request, error: RequestError) -> JSONResponse:
        return from_request_error(error, request.state.request_id)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return error_response(422, "invalid_input", validation_sentence(error.errors()), request.state.request_id)

    @app.exception_handler(ValidationError)
    async def invalid_batch(request: Request, error: ValidationError) -> JSONResponse:
        # LangServe validates the inputs of a batch outside its own translation; anywhere else this is our fault.
        if not request.url.path.endswith("/batch"):
            raise error
        sentence = validation_sentence(error.errors(include_url=False))
        return error_response(422, "invalid_input", sentence, request.state.request_id)


def careful_tracing() -> None:
    """Keep an unreachable LangSmith from holding the process or its memory; what is set already stays."""
    os.environ.setdefault("LANGSMITH_USE_DAEMON", "true")
    os.environ.setdefault("LANGSMITH_TRACING_QUEUE_MAX_SIZE", "500")


def _flush_traces() -> None:
    from langsmith.utils import tracing_is_enabled

    if tracing_is_enabled():
        from langchain_core.tracers.langchain import get_client

        with contextlib.suppress(Exception):
            get_client().flush(_FLUSH_S)
