"""Mail: what users are told, as a message, and how it goes out."""
