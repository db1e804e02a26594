"""The HTTP edge: the one section that no capability owns."""

from pydantic import Field

from configs.profile import Section


class ServerConfig(Section):
    """Where the server listens and what it refuses before any work is done."""

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    max_body_bytes: int = Field(15_000_000, ge=1_000)
    """Larger request bodies are answered 413."""
    max_batch: int = Field(32, ge=1, le=1_000)
    """More inputs in one /batch are answered 413."""
    timeout_s: float = Field(180.0, gt=0)
    """An /invoke or /batch that runs longer is cancelled and answered 504. Streams have no such limit."""
    threads: int = Field(16, ge=2, le=256)
    """Worker threads shared by the synchronous steps of all requests."""
