"""`/tokenry/users`: what a product's backend does with its users, and with their tokens."""
