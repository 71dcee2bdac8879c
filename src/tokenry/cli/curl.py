"""`--curl`: the request as a line for a shell, which is printed in place of being sent."""

import shlex

import typer

from tokenry.client import Answer, Request

LEFT_TO_CURL = {"accept", "accept-encoding", "user-agent"}


class CurlTransport:
    """Prints what it shall send, and ends the command. The token is for the shell to put in, and in no process list."""

    def send(self, request: Request, timeout: float) -> Answer:
        """Print. Raises Exit."""
        print(write_curl(request))
        raise typer.Exit

    def close(self) -> None:
        """Nothing is open."""


def write_curl(request: Request) -> str:
    """Write a request as a pipeline that runs in every shell, with $TOKENRY_TOKEN for the token."""
    words = ["curl", "--header", "@-", "--request", request.method]
    for name, value in request.headers:
        if name.lower() not in LEFT_TO_CURL:
            words += ["--header", f"{name}: {value}"]
    if request.body is not None:
        words += ["--data", request.body.decode("utf-8")]
    words.append(request.url)
    return f"""printf 'Authorization: Bearer %s' "$TOKENRY_TOKEN" | {shlex.join(words)}"""
