-- One row a memory. Texts compare byte by byte whatever the database's collation, as on every dialect.
-- namespace stands first in the key: the table can be distributed by it.
CREATE TABLE polymnia.memories (
    namespace text COLLATE "C" NOT NULL,
    id uuid NOT NULL,
    user_id text COLLATE "C",
    agent_id text COLLATE "C",
    thread_id text COLLATE "C",
    tier text COLLATE "C" NOT NULL,
    content text COLLATE "C" NOT NULL,
    -- an object
    metadata jsonb NOT NULL,
    importance double precision NOT NULL,
    -- sorted, without duplicates
    related_threads text[] COLLATE "C" NOT NULL DEFAULT '{}',
    revision bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    expires_at timestamptz,
    CONSTRAINT memories_key PRIMARY KEY (namespace, id),
    CONSTRAINT memories_importance_range CHECK (importance BETWEEN 0.0 AND 1.0),
    CONSTRAINT memories_revision_range CHECK (revision >= 1)
);
