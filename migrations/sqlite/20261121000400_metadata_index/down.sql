-- polymnia:allow unbatched_change two rows
DELETE FROM polymnia_settings WHERE name IN ('term_seed', 'term_version');

DROP TRIGGER polymnia_memories_foreign_write;

CREATE TRIGGER polymnia_memories_foreign_write
AFTER UPDATE OF content, metadata ON polymnia_memories
WHEN new.revision = old.revision AND (new.content IS NOT old.content OR new.metadata IS NOT old.metadata)
BEGIN
    UPDATE polymnia_memories
    SET revision = old.revision + 1
    WHERE rid = new.rid;
END;

DROP INDEX polymnia_memories_unlevel;

DROP INDEX polymnia_memories_user_created;

DROP TABLE polymnia_index_entries;

DROP TABLE polymnia_indexes;

DROP TABLE polymnia_shapes;

DROP TABLE polymnia_postings;

-- Nothing is derived any more: an engine that derives again begins anew.
-- polymnia:allow unbatched_change all of it goes back in one transaction, or none of it
UPDATE polymnia_memories SET indexed_revision = 0 WHERE indexed_revision <> 0;
