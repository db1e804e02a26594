"""Hub file -> local file over HTTP, going on where an earlier run or a broken stream stopped."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from urllib.parse import quote

import httpx

from weights.errors import SourceUnavailableError, WeightsHashError
from weights.job import PART, Fetched, Job
from weights.reachable import CONNECT_TIMEOUT_S, mark_unreachable, require_reachable
from weights.registry import HuggingFaceSource, ModelScopeSource
from weights.stamp import sha256_of

HUGGINGFACE_ENDPOINT = "https://huggingface.co"
MODELSCOPE_ENDPOINT = "https://www.modelscope.cn/models"
READ_TIMEOUT_S = 30.0
MAX_RETRIES = 2
RETRY_PAUSE_S = 0.5

_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")
_NO_CONNECTION = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)


class _RestartError(Exception):
    """The server cannot go on from our offset; its file may be a different one. Never leaves this module."""


def http_bytes_needed(job: Job) -> int:
    """Bytes that still have to be written for this file."""
    return max(job.file.size - _size(job.scratch(PART)), 0)


def fetch_http(source: HuggingFaceSource | ModelScopeSource, job: Job) -> Fetched:
    """Hub file -> finished part file and its sha256.

    Both hubs write the same part file: they serve the same bytes, so one may go on where the other broke off.

    Raises:
        SourceUnavailableError: not reached, refused, or broken off more than `MAX_RETRIES` times. The part file stays.
        WeightsHashError: the server's file has another size.
    """
    url, headers = _address(source)
    part = job.scratch(PART)
    if _size(part) < job.file.size:
        require_reachable(url)
    with _client(url) as client:
        resumed = _download(client, url, headers, part, job)
        got = sha256_of(part)
        if got != job.file.sha256 and resumed:
            # The bytes from the earlier run may be the bad ones: one clean download tells.
            part.unlink()
            job.meter.at(0)
            _download(client, url, headers, part, job)
            got = sha256_of(part)
    return Fetched(part, got)


def _address(source: HuggingFaceSource | ModelScopeSource) -> tuple[httpx.URL, dict[str, str]]:
    """Source -> URL and request headers; the token goes to the Hugging Face endpoint only.

    A redirect to another host goes without it: httpx drops the Authorization header there.
    """
    # Without 'identity' a server may send compressed bytes, and offsets and sizes would be of another file.
    headers = {"Accept-Encoding": "identity"}
    endpoint = MODELSCOPE_ENDPOINT
    if isinstance(source, HuggingFaceSource):
        endpoint = os.environ.get("HF_ENDPOINT", "").strip() or HUGGINGFACE_ENDPOINT
        if token := os.environ.get("HF_TOKEN", "").strip():
            headers["Authorization"] = f"Bearer {token}"
    path = f"{source.repo}/resolve/{quote(source.revision)}/{quote(source.file)}"
    try:
        url = httpx.URL(f"{endpoint.rstrip('/')}/{path}")
    except httpx.InvalidURL as error:
        raise SourceUnavailableError(source.kind, f"has no usable address ({error})") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise SourceUnavailableError(source.kind, f"has the address {endpoint!r}, which must begin with https://")
    return url, headers


def _client(url: httpx.URL) -> httpx.Client:
    timeout = httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    try:
        return httpx.Client(timeout=timeout, follow_redirects=True)
    except (ImportError, ValueError, OSError) as error:
        # A SOCKS proxy without its extra package, a proxy address or a certificate file that cannot be used.
        raise SourceUnavailableError(url.host, f"cannot be asked with these proxy settings ({error})") from error


def _download(client: httpx.Client, url: httpx.URL, headers: dict[str, str], part: Path, job: Job) -> bool:
    """Bring the part file to its full size -> whether bytes of an earlier run were kept."""
    if _size(part) > job.file.size:
        part.unlink()
    resumed = _size(part) > 0
    broken = restarts = 0
    while (offset := _size(part)) < job.file.size:
        job.meter.at(offset)
        try:
            _stream_once(client, url, headers, part, offset, job)
        except _RestartError as error:
            restarts += 1
            part.unlink(missing_ok=True)
            resumed = False
            if restarts > 1:
                raise SourceUnavailableError(url.host, f"cannot serve the file from the start ({error})") from error
        except _NO_CONNECTION as error:
            raise mark_unreachable(url) from error
        except httpx.RequestError as error:
            broken += 1
            if broken > MAX_RETRIES:
                reason = f"broke off {broken} times ({type(error).__name__})"
                raise SourceUnavailableError(url.host, reason) from error
            time.sleep(RETRY_PAUSE_S * broken)
    job.meter.at(job.file.size)
    return resumed


def _stream_once(
    client: httpx.Client, url: httpx.URL, headers: dict[str, str], part: Path, offset: int, job: Job
) -> None:
    """One request: append to the part file from `offset`, or write it anew if the server ignores Range."""
    if offset:
        headers = headers | {"Range": f"bytes={offset}-"}
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code == httpx.codes.PARTIAL_CONTENT:
            said = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if said is None or (int(said[1]), int(said[2])) != (offset, job.file.size):
                raise _RestartError(f"it answered {response.headers.get('Content-Range')!r}")
        elif response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise _RestartError("it has no byte where we stopped")
        elif response.status_code == httpx.codes.OK:
            _require_length(response, url, job)
            offset = 0
        else:
            raise SourceUnavailableError(url.host, f"answered {response.status_code}")
        with part.open("r+b" if offset else "wb") as stream:
            stream.seek(offset)
            for chunk in response.iter_raw():
                offset += len(chunk)
                if offset > job.file.size:
                    raise _RestartError("it sent more bytes than the file has")
                stream.write(chunk)
                job.meter.at(offset)
    if offset < job.file.size:
        # Without a Content-Length httpx cannot tell an early end from the end.
        raise httpx.ReadError("the stream ended early")


def _require_length(response: httpx.Response, url: httpx.URL, job: Job) -> None:
    """Refuse a file of another size before its bytes travel; a server that does not say the length is heard out."""
    length = response.headers.get("Content-Length", "")
    if length.isdigit() and int(length) != job.file.size:
        name = f"{job.file.path} from {url.host}"
        remedy = "this source has another file, so use another one"
        raise WeightsHashError(name, f"{int(length)} bytes", f"{job.file.size} bytes", remedy)


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
