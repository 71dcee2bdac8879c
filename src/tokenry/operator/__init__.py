"""The operator's commands: on the local database, with the same use cases as the HTTP interface; and the service."""
