-- polymnia:allow drop_index_blocks all of it goes back in one transaction, or none of it
DROP INDEX polymnia.memories_related_threads;
-- polymnia:allow drop_index_blocks all of it goes back in one transaction, or none of it
DROP INDEX polymnia.memories_metadata;
-- polymnia:allow drop_index_blocks all of it goes back in one transaction, or none of it
DROP INDEX polymnia.memories_expiry;
-- polymnia:allow drop_index_blocks all of it goes back in one transaction, or none of it
DROP INDEX polymnia.memories_user_tier_updated;
-- polymnia:allow drop_index_blocks all of it goes back in one transaction, or none of it
DROP INDEX polymnia.memories_updated;
-- polymnia:allow drop_index_blocks all of it goes back in one transaction, or none of it
DROP INDEX polymnia.memories_created;
-- polymnia:allow drop_index_blocks all of it goes back in one transaction, or none of it
DROP INDEX polymnia.memories_tier_updated;
-- polymnia:allow drop_index_blocks all of it goes back in one transaction, or none of it
DROP INDEX polymnia.memories_user_thread_created;
