"""What makes a benchmark worthless."""


class BenchmarkError(Exception):
    """A server, a response or the machine is not as a measurement needs it. There are no figures then."""
