-- Each index ends with id, so that equal times come sorted and a page streams from the index.

-- Newest of one user's thread.
CREATE INDEX polymnia_memories_user_thread_created
ON polymnia_memories (namespace, user_id, thread_id, created_at, id);

-- Last written of a tier.
CREATE INDEX polymnia_memories_tier_updated
ON polymnia_memories (namespace, tier, updated_at, id);

-- Newest of all.
CREATE INDEX polymnia_memories_created
ON polymnia_memories (namespace, created_at, id);

-- Last written of all.
CREATE INDEX polymnia_memories_updated
ON polymnia_memories (namespace, updated_at, id);

-- Last written of one user's tier.
CREATE INDEX polymnia_memories_user_tier_updated
ON polymnia_memories (namespace, user_id, tier, updated_at, id);

-- The sweep of what expired.
CREATE INDEX polymnia_memories_expiry
ON polymnia_memories (expires_at)
WHERE expires_at IS NOT NULL;
