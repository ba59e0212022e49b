//! Polymnia's PostgreSQL dialect as a plugin: `libpolymnia_postgres_plugin.so`.

polymnia_plugin::export_dialect!(polymnia_postgres::Postgres);
