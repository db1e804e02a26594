"""What ``shishen serve`` does: fetch, build, load, listen, and say where."""

import errno
import socket
import sys

import uvicorn
from rich.console import Console

from chains import Components
from commands.index import ensure_starter
from commands.support import fail, make_components
from weights import console_progress

console = Console(stderr=True)


def prepare(parts: Components) -> None:
    """Have the weights and the index that the profile needs; does nothing where they are here."""
    llm = parts.settings.llm
    if llm.kind == "llama_cpp" and not llm.model.endswith(".gguf") and parts.weights.status(llm.model) != "ready":
        console.print(f"第一次使用，正在下载语言模型 {llm.model}……", highlight=False)
        parts.weights.pull(llm.model, console_progress(), parts.settings.weights.sources)
    ensure_starter(parts)


def run_server(host: str | None, port: int | None) -> None:
    """Serve until interrupted."""
    from server import careful_tracing, create_app

    careful_tracing()
    parts = make_components()
    prepare(parts)
    config = parts.settings.server
    listener = _listen(host or config.host, config.port if port is None else port)
    address, bound_port = listener.getsockname()[:2]
    shown = "127.0.0.1" if address in ("0.0.0.0", "::") else address
    console.print("正在加载模型……")
    app = create_app(parts.settings, components=parts, on_ready=lambda: _announce(f"http://{shown}:{bound_port}"))
    uvicorn.Server(
        uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=10, server_header=False, date_header=True)
    ).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(512)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            fail(f"端口 {port} 已经有程序在用：换一个端口，例如 PORT={port + 1} make serve。")
        fail(f"不能在 {host}:{port} 上监听：{error.strerror}。")
    return listener


def _announce(base: str) -> None:
    from chains import ROUTES

    print(f"\n食神已就绪：{base}/", file=sys.stderr)
    for route in ROUTES:
        print(f"  {base}{route.path}/playground/  {route.summary}", file=sys.stderr)
    print("按 Ctrl+C 停止。", file=sys.stderr, flush=True)
