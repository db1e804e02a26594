"""The HTTP edge that is neither chain nor LangServe: limits, identity, error bodies, the landing page. Plain ASGI."""
