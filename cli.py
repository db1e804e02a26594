"""``shishen``: parses arguments and prints; everything else is done by the layers below."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from dotenv import load_dotenv
from rich.console import Console

from chains import Components, Settings
from commands import index as index_commands
from commands import models as model_commands
from commands.support import fail, guarded, make_components
from runnables.schema import SearchHit

app = typer.Typer(name="shishen", help="食神：自己搭的中文做菜助手。", no_args_is_help=True, add_completion=False)
app.add_typer(model_commands.app, name="models")
app.add_typer(index_commands.app, name="index")
console = Console()

IndexOption = Annotated[str, typer.Option("--index", help="索引文件夹；默认是入门菜谱的索引")]


@app.command()
@guarded
def serve(
    host: Annotated[str | None, typer.Option(help="监听地址")] = None,
    port: Annotated[int | None, typer.Option(help="端口；0 表示随便找一个空闲的")] = None,
) -> None:
    """Fetch what is missing, then start the server."""
    from commands.serve import run_server

    run_server(host, port)


@app.command()
@guarded
def ask(question: Annotated[str, typer.Argument(help="例如：红烧肉怎么做")], index: IndexOption = "") -> None:
    """Answer a question in the terminal, streamed."""
    from commands.serve import prepare

    parts = make_components(index)
    prepare(parts)
    from chains.answer import build_answer

    chain = build_answer(parts.search, parts.swap_in, parts.llm)
    recipes: list[Any] = []
    for chunk in chain.stream(question):
        recipes = chunk.get("recipes", recipes)
        if "answer" in chunk:
            sys.stdout.write(chunk["answer"])
            sys.stdout.flush()
    sys.stdout.write("\n")
    if recipes:
        best = recipes[0].metadata
        console.print(
            f"[dim]来自：{best['name']}（{best['source']}，匹配“{best['matched_question']}”）[/dim]", highlight=False
        )


@app.command()
@guarded
def search(
    question: Annotated[str, typer.Argument(help="问题；- 表示从标准输入一行读一个")],
    index: IndexOption = "",
    top_n: Annotated[int, typer.Option(min=1, max=20, help="每个问题最多几份菜谱")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="每个问题输出一行 JSON")] = False,
) -> None:
    """Search without answering."""
    parts = make_components(index, top_n=top_n)
    if not index:
        index_commands.ensure_starter(parts)
    questions = (line.rstrip("\r\n") for line in sys.stdin) if question == "-" else iter([question])
    for text in questions:
        if not text.strip():
            if question == "-" and as_json:
                # One line in, one line out: callers pair them by number.
                print(json.dumps({"question": text, "answerable": False, "hits": []}, ensure_ascii=False), flush=True)
            continue
        result = _search_one(parts, text, top_n)
        if as_json:
            print(json.dumps(result, ensure_ascii=False), flush=True)
        else:
            _print_hits(result)


def _search_one(parts: Components, question: str, top_n: int) -> dict[str, Any]:
    """One question -> the record that ``--json`` prints: the best hits, whether or not they reach the floor."""
    rows = parts.search.invoke(question)
    scored = [row for row in rows if row["rerank_score"] is not None][:top_n]
    hits = [
        SearchHit(
            ref=row["ref"],
            recipe_id=row["recipe_id"],
            dish=row["dish"],
            matched_question=row["matched_question"],
            score=row["fused_score"],
        )
        for row in scored
    ]
    return {"question": question, "answerable": any(row["kept"] for row in rows), "hits": hits}


def _print_hits(result: dict[str, Any]) -> None:
    console.print(
        f"[bold]{result['question']}[/bold]"
        + ("" if result["answerable"] else "  [yellow]没有这道菜，最接近的是：[/yellow]")
    )
    for hit in result["hits"]:
        console.print(
            f"  {hit['score']:.3f}  {hit['dish']}  [dim]{hit['ref']}  “{hit['matched_question']}”[/dim]",
            highlight=False,
        )


@app.command()
@guarded
def doctor() -> None:
    """Check this machine; each fault comes with the command that mends it."""
    from commands.doctor import run_checks

    if not run_checks(console):
        raise typer.Exit(1)


@app.command("config")
@guarded
def show_config() -> None:
    """Print the settings in use, secrets masked."""
    print(json.dumps(Settings.load().model_dump(mode="json"), ensure_ascii=False, indent=2))


def main() -> None:
    """Entry point."""
    if Path(".env").is_file():
        load_dotenv(".env", override=False)
    try:
        app()
    except KeyboardInterrupt:
        fail("已中断。", code=130)


if __name__ == "__main__":
    main()
