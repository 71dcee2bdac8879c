"""`/oauth`: what programs of OAuth ask, RFC by RFC. `table.py` has its paths, `errors.py` its way to refuse."""
