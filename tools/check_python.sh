#!/usr/bin/env bash
# Says in one sentence what this machine lacks to make the virtual environment, with the command that mends it.
set -u
python=$1
if ! command -v "$python" >/dev/null; then
  echo "shishen: 找不到 $python。请安装 Python 3.11 或更新的版本（Debian/Ubuntu：sudo apt install python3 python3-venv）。" >&2
  exit 1
fi
if ! "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))'; then
  echo "shishen: $python 是 $("$python" -V 2>&1)，需要 3.11 到 3.13。请用 make PYTHON=python3.11 serve 指定一个。" >&2
  exit 1
fi
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
  echo "shishen: $python 缺少 venv。Debian/Ubuntu 请运行：sudo apt install python3-venv" >&2
  exit 1
fi
free_kb=$(df -Pk . | awk 'NR==2 {print $4}')
if [ "${free_kb:-0}" -lt 3000000 ]; then
  echo "shishen: 这里只剩 $((free_kb / 1024)) MB，虚拟环境和依赖要 3000 MB。请腾出空间或换个目录。" >&2
  exit 1
fi
