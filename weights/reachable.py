"""Which hosts answer at all: asked once per process, decided within seconds.

An HTTP client tries the addresses of a host one after the other, each with the full connect timeout. A hub with eight
blackholed addresses would cost half a minute, once per file. Here all addresses are tried side by side under one
deadline, and a host that failed is not asked again in this process.
"""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import threading
import time
from urllib.request import getproxies, proxy_bypass

import httpx

from weights.errors import SourceUnavailableError

CONNECT_TIMEOUT_S = 3.0

_Address = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]
_unreachable: set[str] = set()


def require_reachable(url: httpx.URL) -> None:
    """Return if the host of `url` accepts connections, or if only a proxy could tell.

    Raises:
        SourceUnavailableError: it does not, or did not earlier in this process.
    """
    if _key(url) in _unreachable:
        raise SourceUnavailableError(url.host, "could not be reached earlier and is not tried again")
    if _goes_through_proxy(url):
        return
    port = url.port or (443 if url.scheme == "https" else 80)
    if not _accepts(url.host, port, CONNECT_TIMEOUT_S):
        raise mark_unreachable(url)


def mark_unreachable(url: httpx.URL) -> SourceUnavailableError:
    """Remember that the host of `url` does not answer -> the error to raise."""
    _unreachable.add(_key(url))
    return SourceUnavailableError(url.host, "could not be reached")


def forget_unreachable() -> None:
    """Try every host again: for a long-lived process, after its network came back, and for tests."""
    _unreachable.clear()


def _key(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def _goes_through_proxy(url: httpx.URL) -> bool:
    """Whether httpx would use a proxy, judged by the same environment variables."""
    proxies = getproxies()
    return bool(proxies.get(url.scheme) or proxies.get("all")) and not proxy_bypass(url.host)


def _accepts(host: str, port: int, timeout_s: float) -> bool:
    """Whether any address of the host accepts a TCP connection within `timeout_s`, name lookup included."""
    deadline = time.monotonic() + timeout_s
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as sockets:
        for family, kind, protocol, _, address in _lookup(host, port, timeout_s):
            # A family that this machine lacks, or an address without a route, is one address less and no more.
            with contextlib.suppress(OSError):
                sock = sockets.enter_context(socket.socket(family, kind, protocol))
                sock.setblocking(False)
                if sock.connect_ex(address) in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
                    selector.register(sock, selectors.EVENT_WRITE, sock)
        while selector.get_map() and (left_s := deadline - time.monotonic()) > 0:
            for key, _ in selector.select(left_s):
                if key.data.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                    return True
                selector.unregister(key.data)
    return False


def _lookup(host: str, port: int, timeout_s: float) -> list[_Address]:
    """Host name -> its addresses; [] if it has none or the name server takes longer than `timeout_s`."""
    found: list[_Address] = []

    def ask() -> None:
        with contextlib.suppress(OSError):
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))

    # getaddrinfo has no timeout of its own. A daemon thread can be left behind; a thread pool would hold up the exit.
    thread = threading.Thread(target=ask, name=f"lookup {host}", daemon=True)
    thread.start()
    thread.join(timeout_s)
    return list(found)
