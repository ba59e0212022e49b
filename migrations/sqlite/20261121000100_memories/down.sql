DROP TABLE polymnia_memories;
