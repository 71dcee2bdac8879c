"""`/profile/tokens`: what users do with their own tokens."""
