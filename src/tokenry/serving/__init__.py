"""The HTTP server around the application: sockets, worker processes, limits on connections, logs."""
