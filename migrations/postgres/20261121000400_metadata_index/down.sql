-- polymnia:allow drop_index_blocks all of it goes back in one transaction, or none of it
DROP INDEX polymnia.memories_user_created;

-- polymnia:allow drop_index_blocks all of it goes back in one transaction, or none of it
DROP INDEX polymnia.memories_metadata;
-- polymnia:allow create_index_blocks_writes all of it goes back in one transaction, or none of it
CREATE INDEX memories_metadata
ON polymnia.memories USING gin (metadata jsonb_path_ops)
WITH (gin_pending_list_limit = 512);
DROP TABLE polymnia.indexes;
