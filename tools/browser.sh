#!/usr/bin/env bash
# The browser tests need Chromium and a Chinese font. As root on Debian they are installed; elsewhere the command is said.
set -u
find_chromium() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
if find_chromium >/dev/null; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "shishen: 正在安装浏览器测试要用的 Chromium……"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk >/dev/null && exit 0
  echo "shishen: Chromium 没装上，浏览器测试会失败。" >&2
  exit 1
fi
echo "shishen: 没有 Chromium。请运行 sudo apt install chromium，再运行 make test。" >&2
exit 1
