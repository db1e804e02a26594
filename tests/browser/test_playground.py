"""LangServe's playgrounds in a real browser, against a real server."""

import shutil
from collections.abc import Iterator

import pytest
from conftest import LiveServer
from playwright.sync_api import Browser, Page, expect, sync_playwright

pytestmark = pytest.mark.browser
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
ANSWER_MS = 90_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path, "no Chromium on this machine: run tools/browser.sh"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A page that fails its test on a console error, and on any request that leaves this machine."""
    context = browser.new_context(locale="zh-CN", viewport={"width": 1100, "height": 900})
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "request", lambda r: faults.append(r.url) if not r.url.startswith((live_server.url, "data:", "blob:")) else None
    )
    yield page
    context.close()
    assert not faults


def test_landing_page_leads_to_the_playgrounds(page: Page, live_server: LiveServer):
    page.goto(live_server.url)
    expect(page.get_by_role("heading", name="食神")).to_be_visible()
    assert page.get_by_role("link", name="打开 playground").count() == 6
    page.get_by_role("link", name="打开 playground").first.click()
    expect(page).to_have_url(f"{live_server.url}/answer/playground/")


def test_a_question_is_answered_in_the_answer_playground(page: Page, live_server: LiveServer):
    page.goto(f"{live_server.url}/answer/playground/")
    box = page.get_by_role("textbox").first
    box.click()
    page.keyboard.type("红烧肉怎么做")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("五花肉").first).to_be_visible(timeout=ANSWER_MS)
    expect(page.get_by_text("starter.jsonl").first).to_be_visible(timeout=ANSWER_MS)


def test_a_conversation_in_the_chat_playground(page: Page, live_server: LiveServer):
    page.goto(f"{live_server.url}/chat/playground/")
    box = page.get_by_placeholder("Send a message")
    box.click()
    page.keyboard.type("可乐鸡翅要焖多久")
    page.keyboard.press("Enter")
    expect(page.get_by_text("15分钟").first).to_be_visible(timeout=ANSWER_MS)
    box.click()
    page.keyboard.type("那拍黄瓜呢？")
    page.keyboard.press("Enter")
    expect(page.get_by_text("拍黄瓜（").first).to_be_visible(timeout=ANSWER_MS)
