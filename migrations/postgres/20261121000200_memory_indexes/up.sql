-- Each btree ends with id, so that equal times come sorted and a page streams from the index.

-- Newest of one user's thread.
-- polymnia:allow create_index_blocks_writes made before the first release: the table has no rows yet
CREATE INDEX memories_user_thread_created
ON polymnia.memories (namespace, user_id, thread_id, created_at, id);

-- Last written of a tier.
-- polymnia:allow create_index_blocks_writes made before the first release: the table has no rows yet
CREATE INDEX memories_tier_updated
ON polymnia.memories (namespace, tier, updated_at, id);

-- Newest of all.
-- polymnia:allow create_index_blocks_writes made before the first release: the table has no rows yet
CREATE INDEX memories_created
ON polymnia.memories (namespace, created_at, id);

-- Last written of all.
-- polymnia:allow create_index_blocks_writes made before the first release: the table has no rows yet
CREATE INDEX memories_updated
ON polymnia.memories (namespace, updated_at, id);

-- Last written of one user's tier.
-- polymnia:allow create_index_blocks_writes made before the first release: the table has no rows yet
CREATE INDEX memories_user_tier_updated
ON polymnia.memories (namespace, user_id, tier, updated_at, id);

-- The sweep of what expired.
-- polymnia:allow create_index_blocks_writes made before the first release: the table has no rows yet
CREATE INDEX memories_expiry
ON polymnia.memories (expires_at)
WHERE expires_at IS NOT NULL;

-- Containment: metadata @> needle. jsonb_path_ops is smaller and faster than jsonb_ops, and serves @> only. Each query reads
-- the list of pending entries: at the default of 4 MB that is 1 to 4 ms after bulk writes, at 512 kB 0.1 to 0.5 ms.
-- polymnia:allow create_index_blocks_writes made before the first release: the table has no rows yet
CREATE INDEX memories_metadata
ON polymnia.memories USING gin (metadata jsonb_path_ops)
WITH (gin_pending_list_limit = 512);

-- Related to any of some threads: related_threads && threads.
-- polymnia:allow create_index_blocks_writes made before the first release: the table has no rows yet
CREATE INDEX memories_related_threads
ON polymnia.memories USING gin (related_threads);
