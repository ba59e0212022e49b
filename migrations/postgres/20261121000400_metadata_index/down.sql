DROP INDEX polymnia.memories_user_created;

DROP INDEX polymnia.memories_metadata;
CREATE INDEX memories_metadata
ON polymnia.memories USING gin (metadata jsonb_path_ops)
WITH (gin_pending_list_limit = 512);
DROP TABLE polymnia.indexes;
