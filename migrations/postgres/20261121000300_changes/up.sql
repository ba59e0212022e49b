-- What holds for the database as a whole, by name. change_capture = 'on' makes every write leave a row in the changes.
CREATE TABLE polymnia.settings (
    name text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    CONSTRAINT settings_key PRIMARY KEY (name)
);

-- What was changed, in order, for those who follow: copies and caches. Off until switched on.
CREATE TABLE polymnia.changes (
    namespace text COLLATE "C" NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    -- changes of one transaction share it
    txid bigint NOT NULL,
    id uuid NOT NULL,
    -- w: written, d: removed
    op text COLLATE "C" NOT NULL,
    CONSTRAINT changes_key PRIMARY KEY (namespace, seq),
    CONSTRAINT changes_op_known CHECK (op IN ('w', 'd'))
);

-- Following all namespaces in order.
CREATE INDEX changes_seq
ON polymnia.changes (seq);
