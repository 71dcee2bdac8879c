"""What alembic runs: the migrations, on the connection and in the transaction that `storage/migration.py` opened."""

from alembic import context

from tokenry.storage.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
