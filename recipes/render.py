"""Recipe -> text for the prompt, Markdown tables for people."""

from recipes.recipe import Recipe


def to_text(recipe: Recipe, *, facts: bool = True) -> str:
    """The whole recipe as plain text: name, ingredients, numbered steps.

    Args:
        recipe: The recipe.
        facts: Whether servings and total time are said; a small model takes the total time for the time of any step.
    """
    lines = [f"菜名：{_line(recipe.name)}"]
    if recipe.servings and facts:
        lines.append(f"份量：{recipe.servings}人份")
    if recipe.time_min and facts:
        lines.append(f"用时：约{recipe.time_min}分钟")
    lines.append("食材：" + "、".join(map(_line, recipe.ingredients)) if recipe.ingredients else "食材：原文没有写")
    lines.append("步骤：")
    lines += [f"{number}. {_line(step)}" for number, step in enumerate(recipe.steps, start=1)]
    return "\n".join(lines)


def _line(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    for char, instead in (("\\", "\\\\"), ("|", "\\|"), ("<", "&lt;")):
        text = text.replace(char, instead)
    return _line(text)


def to_markdown(recipe: Recipe) -> str:
    """The recipe as a heading, an ingredient table and a step table (GitHub-flavoured Markdown)."""
    lines = [f"### {_cell(recipe.name)}", ""]
    facts = [f"{recipe.servings} 人份"] if recipe.servings else []
    facts += [f"约 {recipe.time_min} 分钟"] if recipe.time_min else []
    if facts:
        lines += ["，".join(facts), ""]
    lines += ["| 食材 | 用量 | 备注 |", "| --- | --- | --- |"]
    for item in recipe.parsed_ingredients:
        if item.heading:
            lines.append(f"| **{_cell(item.note)}** | | |")
        else:
            lines.append(f"| {_cell(item.name)} | {_cell(item.amount)} | {_cell(item.note)} |")
    lines += ["", "| 步骤 | 做法 |", "| --- | --- |"]
    lines += [f"| {number} | {_cell(step)} |" for number, step in enumerate(recipe.steps, start=1)]
    return "\n".join(lines) + "\n"
