"""First token of /answer over HTTP beside the bare chain, in one process, on the same parts.

    python -m benchmarks.overhead [--rounds 2]

The two take turns, and the second round swaps which of them gets which question: the model's prompt cache then favours
neither. Two moments are timed: the first piece of the answer (the recipe's own words, said by the code) and the first
piece that the model wrote. Bar: median ratio of the model's first piece <= 1.15.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import uvicorn

from chains import ROUTES, Components, Settings
from commands.serve import prepare
from server import create_app

BAR = 1.15
DISHES = (
    "红烧肉 鱼香肉丝 可乐鸡翅 麻婆豆腐 糖醋小排 宫保鸡丁 清蒸鲈鱼 酸辣土豆丝 "
    "回锅肉 蛋炒饭 水煮鱼 地三鲜 白切鸡 担担面 酸辣汤 蛋挞"
).split()


async def _moments(pieces: AsyncIterator[str]) -> tuple[float, float]:
    """Seconds to the first and to the second piece of answer text; the first is the code's, the second the model's."""
    started = time.perf_counter()
    seen: list[float] = []
    async for piece in pieces:
        if piece:
            seen.append(time.perf_counter() - started)
            if len(seen) == 2:
                break
    return seen[0], seen[-1]


async def _bare(chain: Any, question: str) -> AsyncIterator[str]:
    async for chunk in chain.astream(question):
        yield chunk.get("answer", "")


async def _http(client: httpx.AsyncClient, question: str) -> AsyncIterator[str]:
    async with client.stream("POST", "/answer/stream", json={"input": question}) as reply:
        async for line in reply.aiter_lines():
            if line.startswith("data:") and "answer" in line:
                yield json.loads(line[5:]).get("answer", "")


async def measure(rounds: int) -> dict[str, float]:
    """Run both and compare medians."""
    parts = Components(Settings.load())
    prepare(parts)
    app = create_app(parts.settings, components=parts)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    chain = next(route for route in ROUTES if route.path == "/answer").build(parts)
    times: dict[str, list[tuple[float, float]]] = {"bare": [], "http": []}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
        while (await client.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.2)
        for round_number in range(rounds):
            for number, dish in enumerate(DISHES):
                question = f"{dish}怎么做"
                name = ("bare", "http")[(number + round_number) % 2]
                pieces = _bare(chain, question) if name == "bare" else _http(client, question)
                times[name].append(await _moments(pieces))
                await pieces.aclose()  # type: ignore[attr-defined]
    server.should_exit = True
    await serving
    medians = {name: [statistics.median(row[i] for row in rows) for i in (0, 1)] for name, rows in times.items()}
    return {
        "bare_first_piece_s": medians["bare"][0],
        "http_first_piece_s": medians["http"][0],
        "bare_first_model_piece_s": medians["bare"][1],
        "http_first_model_piece_s": medians["http"][1],
        "ratio_first_model_piece": medians["http"][1] / medians["bare"][1],
    }


def main() -> int:
    """Print the figures; 1 where the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    figures = asyncio.run(measure(parser.parse_args().rounds))
    print(json.dumps({name: round(value, 4) for name, value in figures.items()}, indent=2))
    return int(figures["ratio_first_model_piece"] > BAR)


if __name__ == "__main__":
    sys.exit(main())
