DROP TABLE polymnia_changes;
DROP TABLE polymnia_settings;
