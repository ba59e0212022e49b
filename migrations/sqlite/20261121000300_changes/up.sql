-- What holds for the database as a whole, by name. change_capture = 'on' makes every write leave a row in the changes.
CREATE TABLE polymnia_settings (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT settings_key PRIMARY KEY (name)
) STRICT, WITHOUT ROWID;

-- What was changed, in order, for those who follow: copies and caches. Off until switched on.
CREATE TABLE polymnia_changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    -- changes of one transaction share it: the first one's seq
    txid INTEGER NOT NULL,
    namespace TEXT NOT NULL,
    id BLOB NOT NULL,
    -- w: written, d: removed
    op TEXT NOT NULL,
    CONSTRAINT changes_op_known CHECK (op IN ('w', 'd'))
) STRICT;
