"""``shishen index build | info | verify``."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from chains import Components
from commands.support import BuildProgress, guarded, make_components
from recipes import Rejected, SourceFormat
from vectorstores import BuildReport, RecipeIndex, build_index
from vectorstores.starter import SOURCE, build_starter_index, starter_is_current

app = typer.Typer(help="建索引、看索引、验索引。", no_args_is_help=True)
console = Console(stderr=True)
_SHOWN = 5


@app.command()
@guarded
def build(
    source: Annotated[str, typer.Option(help="菜谱文件；starter 表示自带的入门菜谱")],
    out: Annotated[Path | None, typer.Option(help="索引文件夹；starter 可以不写")] = None,
    source_format: Annotated[str, typer.Option("--format", help="auto、xiachufang 或 xtuner")] = "auto",
) -> None:
    """Build an index; a build that was killed goes on where it stopped."""
    parts = make_components()
    if out is None and source != SOURCE:
        raise typer.BadParameter("除了 starter，都要用 --out 写明索引文件夹", param_hint="--out")
    folder = out or parts.index_dir
    with BuildProgress() as progress:
        if source == SOURCE:
            report = build_starter_index(folder, parts.embeddings, progress)
        else:
            chosen: SourceFormat = source_format  # type: ignore[assignment]
            report = build_index(Path(source), folder, parts.embeddings, source_format=chosen, progress=progress)
    _print_report(report, folder)


@app.command()
@guarded
def info(
    index: Annotated[str, typer.Option("--index", help="索引文件夹")] = "",
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """What an index was built from."""
    parts = make_components(index)
    manifest = RecipeIndex.open(parts.index_dir, parts.embeddings).manifest
    if as_json:
        print(json.dumps(manifest.model_dump(mode="json"), ensure_ascii=False, indent=2))
        return
    floor, source = manifest.floor, manifest.source
    for name, value in {
        "文件夹": parts.index_dir,
        "建于": manifest.created,
        "菜谱": manifest.recipes,
        "问题": manifest.questions,
        "来源": f"{source.name}（{source.records} 条，跳过 {source.rejected}，重复 {source.duplicates}）",
        "向量模型": f"{manifest.embedder.name}，{manifest.embedder.dimension} 维，版本 {manifest.embedder.revision}",
        "分词": manifest.tokenizer,
        "拒答线": f"{floor['threshold']}（{floor['fitted_on']}）",
    }.items():
        print(f"{name}\t{value}")


@app.command()
@guarded
def verify(index: Annotated[str, typer.Option("--index", help="索引文件夹")] = "") -> None:
    """Hash every part of an index again."""
    parts = make_components(index)
    results = RecipeIndex.open(parts.index_dir, parts.embeddings).verify()
    for part, result in results.items():
        print(f"{part}\t{result}")
    if set(results.values()) != {"ok"}:
        raise typer.Exit(1)


def ensure_starter(parts: Components) -> None:
    """Build the starter index where the profile serves it and it is missing or of an older corpus."""
    if parts.settings.index.dir or starter_is_current(parts.index_dir, parts.embeddings):
        return
    console.print("第一次使用，正在为自带的菜谱建索引……")
    with BuildProgress() as progress:
        report = build_starter_index(parts.index_dir, parts.embeddings, progress)
    _print_report(report, parts.index_dir)


def _print_report(report: BuildReport, folder: Path) -> None:
    manifest = report.manifest
    console.print(
        f"索引建好了：{manifest.recipes} 份菜谱，{manifest.questions} 个问题，放在 {folder}"
        + (f"（接着上次的 {report.resumed_questions} 个继续）" if report.resumed_questions else ""),
        highlight=False,
    )
    if report.duplicates:
        console.print(
            f"{len(report.duplicates)} 条内容重复，只收一次：{'、'.join(report.duplicates[:_SHOWN])}", highlight=False
        )
    _print_rejected(report.rejected)


def _print_rejected(rejected: tuple[Rejected, ...]) -> None:
    if not rejected:
        return
    console.print(f"[yellow]{len(rejected)} 条读不了，已跳过：[/yellow]")
    for item in rejected[:_SHOWN]:
        console.print(f"  {item.ref}: {item.reason}: {item.quote}", highlight=False, markup=False)
    if len(rejected) > _SHOWN:
        console.print(f"  ……还有 {len(rejected) - _SHOWN} 条")
