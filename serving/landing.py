"""The page at /: what is served here, and where to try it."""

import html
import json
from importlib.resources import files

from chains import ROUTES

_STYLE = files("serving").joinpath("landing.css").read_text(encoding="utf-8")


ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><circle cx="32" cy="32" r="30" fill="#b3261e"/>'
    '<path d="M14 30h36a18 18 0 0 1-36 0z" fill="#fff"/><path d="M24 24q-3-5 0-9m8 9q-3-5 0-9m8 9q-3-5 0-9" '
    'stroke="#fff" stroke-width="3" fill="none" stroke-linecap="round"/></svg>'
)
"""A bowl, so that browsers that ask for an icon get one."""


def _item(path: str, summary: str, example: object, base: str) -> str:
    body = json.dumps({"input": example}, ensure_ascii=False)
    command = f"curl -s {base}{path}/invoke -H 'Content-Type: application/json' -d '{body}'"
    return (
        f"<li><h2>{path}</h2><p>{html.escape(summary)}</p>"
        f'<nav><a href="{path}/playground/">打开 playground</a><a href="{path}/input_schema">输入格式</a>'
        f'<a href="{path}/output_schema">输出格式</a></nav><pre><code>{html.escape(command)}</code></pre></li>'
    )


def landing_page(profile: str, recipes: int, base: str) -> str:
    """The page as HTML, self-contained: no script, nothing fetched from elsewhere."""
    items = "".join(_item(route.path, route.summary, route.example, base) for route in ROUTES)
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>食神</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style></head><body><main>'
        f'<h1>食神</h1><p class="lead">自己搭的中文做菜助手：{recipes} 份菜谱，配置 {html.escape(profile)}。'
        f"每个能力都是一条可以单独试的链。</p><ul>{items}</ul>"
        '<footer><nav><a href="/docs">OpenAPI</a><a href="/healthz">healthz</a><a href="/readyz">readyz</a>'
        "</nav></footer>"
        "</main></body></html>"
    )
