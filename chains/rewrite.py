"""{history, question} -> the standalone question."""

from typing import Any

from langchain_core.runnables import Runnable, RunnableLambda

from runnables.hyqe import check_question


def build_rewrite(rewriter: Runnable[dict[str, Any], str]) -> Runnable[dict[str, Any], str]:
    """Check the question, then rewrite it."""

    def check(inputs: dict[str, Any]) -> dict[str, Any]:
        return {**inputs, "question": check_question(inputs["question"])}

    return (RunnableLambda(check, name="CheckQuestion") | rewriter).with_config(run_name="Rewrite")
