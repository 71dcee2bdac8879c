"""Tables and statements on SQLite and PostgreSQL, from one text."""
