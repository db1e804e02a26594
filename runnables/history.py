"""(principal, session) -> the messages of a conversation, kept in a database.

A session id is the caller's own choice, so it means nothing without the principal: two people who both call theirs "1"
have two conversations.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from pydantic import Field

from configs import ConfigError, Section, data_dir
from runnables.errors import InvalidInputError

_metadata = sa.MetaData()
_messages = sa.Table(
    "message",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("principal", sa.String(128), nullable=False),
    sa.Column("session_id", sa.String(128), nullable=False),
    sa.Column("role", sa.String(8), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("metadata", sa.Text, nullable=False, default="{}"),
    sa.Column("created", sa.String(32), nullable=False),
    sa.Index("message_of_session", "principal", "session_id", "id"),
)
_TYPES: dict[str, type[HumanMessage] | type[AIMessage]] = {"human": HumanMessage, "ai": AIMessage}


class HistoryConfig(Section):
    """Where conversations are kept."""

    url: str = ""
    """SQLAlchemy URL; by default SQLite in the data folder."""
    max_messages: int = Field(40, ge=2, le=1000)
    """Newest messages of a session that are read back."""


class HistoryStore:
    """Messages by (principal, session id). What was appended is on disk when the call returns.

    Raises:
        ConfigError: the database cannot be opened.
    """

    def __init__(self, config: HistoryConfig) -> None:
        self._config = config
        url = config.url
        if not url:
            url = f"sqlite:///{(data_dir() / 'history.sqlite').as_posix()}"
        try:
            self._engine = sa.create_engine(url, pool_pre_ping=True)
            if self._engine.dialect.name == "sqlite":
                sa.event.listen(self._engine, "connect", _careful_sqlite)
                if database := sa.make_url(url).database:
                    Path(database).parent.mkdir(parents=True, exist_ok=True)
            self._create_tables()
        except (OSError, sa.exc.SQLAlchemyError, ImportError) as error:
            raise ConfigError(
                f"the conversations cannot be kept in {_shown(url)} ({_reason(error)}); "
                "set SHISHEN_HISTORY__URL or SHISHEN_DATA_DIR to a place that can be written"
            ) from error

    def _create_tables(self) -> None:
        # IF NOT EXISTS and no look before: another server process may make them at the same moment.
        with self._engine.begin() as connection:
            for table in _metadata.sorted_tables:
                connection.execute(sa.schema.CreateTable(table, if_not_exists=True))
                for index in table.indexes:
                    connection.execute(sa.schema.CreateIndex(index, if_not_exists=True))

    def load(self, principal: str, session_id: str) -> list[BaseMessage]:
        """The newest messages of a session, oldest first."""
        query = (
            sa.select(_messages.c.role, _messages.c.content, _messages.c.metadata)
            .where(_messages.c.principal == principal, _messages.c.session_id == session_id)
            .order_by(_messages.c.id.desc())
            .limit(self._config.max_messages)
        )
        with self._engine.connect() as connection:
            rows = list(connection.execute(query))
        return [
            _TYPES[role](content=content, response_metadata=json.loads(metadata))
            for role, content, metadata in reversed(rows)
        ]

    def append(self, principal: str, session_id: str, messages: Sequence[BaseMessage]) -> None:
        """Add messages to a session, all or none.

        Raises:
            InvalidInputError: a message is neither the user's nor the assistant's.
        """
        if strange := [message.type for message in messages if _role(message) not in _TYPES]:
            raise InvalidInputError(f"会话里只能保存 human 和 ai 消息，收到的是 {strange[0]}。")
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        rows = [
            {
                "principal": principal,
                "session_id": session_id,
                "role": _role(message),
                "content": str(message.content),
                "metadata": json.dumps(message.response_metadata, ensure_ascii=False, default=str),
                "created": now,
            }
            for message in messages
        ]
        if rows:
            with self._engine.begin() as connection:
                connection.execute(sa.insert(_messages), rows)

    def clear(self, principal: str, session_id: str) -> int:
        """Forget a session; how many messages that were."""
        query = sa.delete(_messages).where(_messages.c.principal == principal, _messages.c.session_id == session_id)
        with self._engine.begin() as connection:
            return int(connection.execute(query).rowcount)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()


def _role(message: BaseMessage) -> str:
    return message.type.removesuffix("MessageChunk").lower()


def _shown(url: str) -> str:
    """A database URL without its password."""
    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except sa.exc.ArgumentError:
        return "the URL that history.url gives"


def _reason(error: Exception) -> str:
    first = getattr(error, "orig", None) or error
    return str(getattr(first, "strerror", None) or first).splitlines()[0]


def _careful_sqlite(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    # Readers do not wait for writers, and a turn that was acknowledged survives a power cut.
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.close()


def build_history(config: HistoryConfig) -> HistoryStore:
    """The store that the profile names."""
    return HistoryStore(config)
