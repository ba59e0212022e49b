//! Polymnia's SQLite dialect as a plugin: `libpolymnia_sqlite_plugin.so`.

polymnia_plugin::export_dialect!(polymnia_sqlite::Sqlite);
