"""`/account`: what administrators do with their account, its users, its tokens and its child accounts."""
