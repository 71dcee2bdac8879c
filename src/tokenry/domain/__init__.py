"""What a token, a scope and an account are, and the rules between them. Pure: no I/O, no clock, no SQL, no HTTP."""
