"""Languages in which people are spoken to, by pages and by mail: the texts, and how times and numbers are written."""
