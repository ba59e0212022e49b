-- One row a memory. STRICT, stock SQL only: sqlite3, VACUUM and backups work on it without us.
-- rid orders nothing and never leaves this database; AUTOINCREMENT keeps a removed row's number from coming back, which
-- whatever is derived from a row relies on.
CREATE TABLE polymnia_memories (
    rid INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace TEXT NOT NULL,
    -- 16 bytes, RFC 9562
    id BLOB NOT NULL,
    user_id TEXT,
    agent_id TEXT,
    thread_id TEXT,
    tier TEXT NOT NULL,
    content TEXT NOT NULL,
    -- a JSON object, as PostgreSQL prints jsonb
    metadata TEXT NOT NULL,
    importance REAL NOT NULL,
    -- a sorted JSON array of texts
    related_threads TEXT NOT NULL DEFAULT '[]',
    revision INTEGER NOT NULL,
    -- the revision that derived data (postings, terms) was made from; 0 before any
    indexed_revision INTEGER NOT NULL DEFAULT 0,
    -- microseconds since 1970-01-01T00:00:00Z
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    expires_at INTEGER,
    CONSTRAINT memories_key UNIQUE (namespace, id),
    CONSTRAINT memories_id_length CHECK (length(id) = 16),
    CONSTRAINT memories_importance_range CHECK (importance BETWEEN 0.0 AND 1.0),
    CONSTRAINT memories_revision_range CHECK (revision >= 1)
) STRICT;

-- Another program that changes what derived data is made from, and leaves the revision alone, makes the row not level.
-- Our own writes always change the revision.
CREATE TRIGGER polymnia_memories_foreign_write
AFTER UPDATE OF content, metadata ON polymnia_memories
WHEN new.revision = old.revision AND (new.content IS NOT old.content OR new.metadata IS NOT old.metadata)
BEGIN
    UPDATE polymnia_memories
    SET revision = old.revision + 1
    WHERE rid = new.rid;
END;
