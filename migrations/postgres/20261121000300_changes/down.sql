DROP TABLE polymnia.changes;
DROP TABLE polymnia.settings;
