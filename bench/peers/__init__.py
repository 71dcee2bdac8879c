"""Others that verify opaque tokens: one small program for each, and how they are measured beside tokenry."""
