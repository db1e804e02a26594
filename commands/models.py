"""``shishen models list | pull | verify | path | rm``."""

from typing import Annotated

import typer
from rich.console import Console

from commands.support import guarded, make_components
from weights import console_progress

app = typer.Typer(help="模型权重：列出、下载、校验、路径、删除。", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(help="模型名，见 models list")]
_STATUS = {"ready": "已下载", "partial": "没下载完", "missing": "没有", "bundled": "随依赖安装"}


@app.command("list")
@guarded
def list_models() -> None:
    """What the registry knows and what is here."""
    store = make_components().weights
    out = Console(highlight=False)
    for name in store.names():
        model = store.registry.get(name)
        size = sum(file.size for file in model.files) / 1e6
        out.print(f"[bold]{name}[/bold]  {_STATUS[store.status(name)]}，{size:.0f} MB，{model.licence}", soft_wrap=True)
        out.print(f"    [dim]{model.purpose}[/dim]", soft_wrap=True)


@app.command()
@guarded
def pull(name: Annotated[str, typer.Argument(help="模型名；不写就是当前配置要用的")] = "") -> None:
    """Fetch a model; goes on where a broken download stopped."""
    parts = make_components()
    wanted = name or parts.settings.llm.model
    parts.weights.pull(wanted, console_progress(), parts.settings.weights.sources)
    print(parts.weights.path(wanted))


@app.command()
@guarded
def verify(name: Annotated[str, typer.Argument(help="模型名；不写就验全部已有的")] = "") -> None:
    """Hash the files of a model again."""
    store = make_components().weights
    for model in [name] if name else [n for n in store.names() if store.status(n) in ("ready", "bundled")]:
        store.verify(model)
        print(f"{model}\tok")


@app.command()
@guarded
def path(name: NameArgument) -> None:
    """Print the folder of a model."""
    print(make_components().weights.path(name))


@app.command()
@guarded
def rm(name: NameArgument) -> None:
    """Delete the files of a model."""
    make_components().weights.remove(name)
    print(f"{name}\t已删除")
