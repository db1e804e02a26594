"""What the commands share: errors as one sentence, the shared parts, progress bars."""

import functools
import sys
from collections.abc import Callable
from typing import NoReturn, ParamSpec, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from chains import Components, Settings
from configs import ConfigError
from recipes import SourceError
from runnables.errors import RequestError
from vectorstores import VectorstoreError
from weights import WeightsError

P = ParamSpec("P")
R = TypeVar("R")
EXIT_USAGE = 2
_STAGES = {
    "read": "读菜谱",
    "embed": "向量（中文）",
    "embed latin": "向量（英文）",
    "write": "写索引",
    "wait": "等另一个构建",
}


def fail(message: str, code: int = EXIT_USAGE) -> NoReturn:
    """Say one sentence on standard error and end."""
    Console(stderr=True).print(f"[red]错误：[/red]{message}", highlight=False, soft_wrap=True)
    sys.exit(code)


def guarded(function: Callable[P, R]) -> Callable[P, R]:
    """Turn every error that a person can mend into one sentence and exit code 2."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except (ConfigError, VectorstoreError, WeightsError, SourceError, RequestError) as error:
            fail(str(error))
        except BrokenPipeError:
            # The reader of our output is gone (| head): nothing is left to say.
            sys.stderr.close()
            sys.exit(0)

    return run


def make_components(index: str = "", *, top_n: int | None = None) -> Components:
    """The shared parts of the current profile, with what the command line overrides."""
    settings = Settings.load()
    updates: dict[str, object] = {}
    if index:
        updates["index"] = settings.index.model_copy(update={"dir": index})
    if top_n is not None:
        updates["reranker"] = settings.reranker.model_copy(update={"top_n": top_n})
    return Components(settings.model_copy(update=updates))


class BuildProgress:
    """A bar with rate and ETA for index builds; on standard error, so that output stays clean."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "BuildProgress":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """See ``vectorstores.build.Progress``."""
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(_STAGES.get(stage, stage), total=total or None, rate="")
        task = self._tasks[stage]
        speed = self._progress.tasks[self._progress.task_ids.index(task)].speed
        self._progress.update(task, completed=done, total=total or None, rate=f"{speed:.0f}/s" if speed else "")
