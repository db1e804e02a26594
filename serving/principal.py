"""Whose request is it? What history is kept under, so that two users never see each other's.

A bearer token or API key names its holder; a browser is named by a random cookie that the server's pages give it;
everybody else on this machine is ``local``. Only a hash is used, so that no secret reaches the database.
"""

import hashlib
import secrets

from starlette.requests import Request
from starlette.responses import Response

from chains.chat import LOCAL

COOKIE = "shishen_principal"
_MAX_CREDENTIAL = 4_096
_YEAR_S = 365 * 24 * 3600


def _hashed(kind: str, value: str) -> str:
    return f"{kind}-{hashlib.sha256(f'{kind}:{value}'.encode()).hexdigest()[:32]}"


def principal_of(request: Request) -> str:
    """A request -> the name that its conversations are kept under."""
    credential = request.headers.get("authorization") or request.headers.get("x-api-key")
    if credential:
        return _hashed("key", credential[:_MAX_CREDENTIAL].removeprefix("Bearer ").strip())
    cookie = request.cookies.get(COOKIE)
    return _hashed("browser", cookie[:_MAX_CREDENTIAL]) if cookie else LOCAL


def new_browser_cookie() -> str:
    """A Set-Cookie value that gives a browser a name of its own."""
    response = Response()
    response.set_cookie(COOKIE, secrets.token_urlsafe(24), max_age=_YEAR_S, httponly=True, samesite="lax")
    return response.headers["set-cookie"]
