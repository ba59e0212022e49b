-- Indexes declared on one path of the metadata. Each is an index of its own, memories_declared_<name>.
CREATE TABLE polymnia.indexes (
    name text COLLATE "C" NOT NULL,
    -- a JSON list of keys and indexes
    path text COLLATE "C" NOT NULL,
    -- number or text
    kind text COLLATE "C" NOT NULL,
    CONSTRAINT indexes_key PRIMARY KEY (name),
    CONSTRAINT indexes_path_kind UNIQUE (path, kind)
);

-- Containment within a namespace: ARRAY[namespace] @> ARRAY[$] AND metadata @> needle. The index itself leaves out other
-- tenants; without the namespace in it, a needle that they have often is looked up in all of their rows.
-- polymnia:allow drop_index_blocks made before the first release: the table has no rows yet
DROP INDEX polymnia.memories_metadata;

-- polymnia:allow create_index_blocks_writes made before the first release: the table has no rows yet
CREATE INDEX memories_metadata
ON polymnia.memories USING gin ((ARRAY[namespace]), metadata jsonb_path_ops)
WITH (gin_pending_list_limit = 512);

-- Newest of one user, whatever the thread.
-- polymnia:allow create_index_blocks_writes made before the first release: the table has no rows yet
CREATE INDEX memories_user_created
ON polymnia.memories (namespace, user_id, created_at, id);
