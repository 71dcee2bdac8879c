"""`/console/admin`: what administrators do with their account, by the use cases of the API."""
