"""The console: where people who are signed in manage what is theirs, and administrators their account."""
