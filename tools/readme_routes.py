"""Write the route tables of README.md and README_zh.md from ROUTES, or check that they are up to date."""

import re
import sys
from pathlib import Path

from chains import ROUTES, Route

ROOT = Path(__file__).resolve().parents[1]
_BLOCK = re.compile(r"(<!-- routes -->\n).*?(<!-- /routes -->)", re.S)


def _table(header: tuple[str, str, str], routes: tuple[Route, ...], *, chinese: bool) -> str:
    lines = ["| " + " | ".join(header) + " |", "| --- | --- | --- |"]
    for route in routes:
        kind = "chat" if route.playground_type == "chat" else "form"
        lines.append(f"| `{route.path}` | {route.summary if chinese else route.summary_en} | {kind} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Rewrite the tables; with ``--check`` only say whether that would change anything."""
    stale = []
    for name, header, chinese in (
        ("README.md", ("route", "what it does", "playground"), False),
        ("README_zh.md", ("路径", "做什么", "playground"), True),
    ):
        file = ROOT / name
        old = file.read_text(encoding="utf-8")
        new = _BLOCK.sub(lambda m, h=header, c=chinese: m[1] + _table(h, ROUTES, chinese=c) + m[2], old)
        if new == old:
            continue
        stale.append(name)
        if "--check" not in sys.argv:
            file.write_text(new, encoding="utf-8")
    if stale and "--check" in sys.argv:
        sys.stderr.write(f"route tables are out of date in {', '.join(stale)}: run `make fmt`\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
