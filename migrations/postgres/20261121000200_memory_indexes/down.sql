DROP INDEX polymnia.memories_related_threads;
DROP INDEX polymnia.memories_metadata;
DROP INDEX polymnia.memories_expiry;
DROP INDEX polymnia.memories_user_tier_updated;
DROP INDEX polymnia.memories_updated;
DROP INDEX polymnia.memories_created;
DROP INDEX polymnia.memories_tier_updated;
DROP INDEX polymnia.memories_user_thread_created;
