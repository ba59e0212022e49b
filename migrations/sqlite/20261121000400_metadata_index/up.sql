-- Terms of metadata to the rows that have them, in order of time. The engine writes them; rows that another program wrote are
-- not level (see below) and are looked at by each query until the engine has indexed them.
CREATE TABLE polymnia_postings (
    -- a seeded hash of namespace, path and value, or of a shape
    term INTEGER NOT NULL,
    -- the memory's created_at in milliseconds, rounded down
    created INTEGER NOT NULL,
    rid INTEGER NOT NULL,
    CONSTRAINT postings_key PRIMARY KEY (term, created, rid)
) STRICT, WITHOUT ROWID;

-- Paths to the shapes (sets of paths) that have them: memories of one shape share one posting instead of one for each path.
CREATE TABLE polymnia_shapes (
    path INTEGER NOT NULL,
    -- 64 bits, of which the lower 32 are the term of its postings
    shape INTEGER NOT NULL,
    CONSTRAINT shapes_key PRIMARY KEY (path, shape)
) STRICT, WITHOUT ROWID;

-- Indexes declared on one path of the metadata.
CREATE TABLE polymnia_indexes (
    name TEXT NOT NULL,
    -- what its entries are marked with; never used again
    number INTEGER NOT NULL,
    -- a JSON list of keys and indexes
    path TEXT NOT NULL,
    -- number or text
    kind TEXT NOT NULL,
    -- 1 once every memory is in it
    ready INTEGER NOT NULL,
    CONSTRAINT indexes_key PRIMARY KEY (name),
    CONSTRAINT indexes_number UNIQUE (number),
    CONSTRAINT indexes_path_kind UNIQUE (path, kind)
) STRICT, WITHOUT ROWID;

-- The values in declared indexes, in order. Numbers as the nearest REAL, strings by their first 64 characters: the order is right,
-- and what is found is looked at again.
CREATE TABLE polymnia_index_entries (
    number INTEGER NOT NULL,
    -- a seeded hash of the namespace
    space INTEGER NOT NULL,
    value ANY NOT NULL,
    rid INTEGER NOT NULL,
    CONSTRAINT index_entries_key PRIMARY KEY (number, space, value, rid)
) STRICT, WITHOUT ROWID;

-- Newest of one user, whatever the thread.
CREATE INDEX polymnia_memories_user_created
ON polymnia_memories (namespace, user_id, created_at, id);

-- Rows that are not level: what is derived from them is of another revision, or of none.
CREATE INDEX polymnia_memories_unlevel
ON polymnia_memories (namespace, created_at, id)
WHERE indexed_revision <> revision;

-- Now that postings depend on them, a change of the namespace or of created_at makes a row not level as well.
DROP TRIGGER polymnia_memories_foreign_write;

CREATE TRIGGER polymnia_memories_foreign_write
AFTER UPDATE OF namespace, content, metadata, created_at ON polymnia_memories
WHEN new.revision = old.revision AND new.indexed_revision = old.indexed_revision
    AND (new.namespace IS NOT old.namespace OR new.content IS NOT old.content OR new.metadata IS NOT old.metadata
        OR new.created_at IS NOT old.created_at)
BEGIN
    UPDATE polymnia_memories
    SET revision = old.revision + 1
    WHERE rid = new.rid;
END;

-- Terms are seeded by chance, so that nobody can make values that share one. They are of version 1.
INSERT INTO polymnia_settings (name, value)
VALUES ('term_seed', lower(hex(randomblob(16)))), ('term_version', '1');
