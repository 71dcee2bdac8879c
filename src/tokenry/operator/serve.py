"""`tokenry serve`."""

from functools import partial
from pathlib import Path

from tokenry.cli.running import alone
from tokenry.domain.errors import SetupError
from tokenry.domain.secrets import Secret
from tokenry.operator.options import (
    BindWorkers,
    BootstrapTokenFile,
    DatabaseUrl,
    DataDir,
    Host,
    LogLevel,
    Port,
    RateLimit,
    RateLimitFailures,
    RateLimitStorage,
    ScopesFile,
    TrustedProxies,
    Workers,
)
from tokenry.serving.server import base_url, listen
from tokenry.serving.server import run as run_server
from tokenry.serving.workers import require_binding
from tokenry.settings import (
    DEFAULT_DATA_DIR,
    DEFAULT_HOST,
    DEFAULT_PORT,
    DEFAULT_RATE_LIMIT,
    DEFAULT_RATE_LIMIT_FAILURES,
    DEFAULT_RATE_LIMIT_STORAGE,
    Settings,
)
from tokenry.storage.files import create_private_file
from tokenry.storage.limits import open_counters
from tokenry.wiring import begin, build_app, open_installation, prepare


def serve(
    host: Host = DEFAULT_HOST,
    port: Port = DEFAULT_PORT,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    database_url: DatabaseUrl = None,
    workers: Workers = 1,
    bind_workers: BindWorkers = False,
    scopes_file: ScopesFile = None,
    bootstrap_token_file: BootstrapTokenFile = None,
    trusted_proxies: TrustedProxies = "",
    rate_limit: RateLimit = DEFAULT_RATE_LIMIT,
    rate_limit_failures: RateLimitFailures = DEFAULT_RATE_LIMIT_FAILURES,
    rate_limit_storage: RateLimitStorage = DEFAULT_RATE_LIMIT_STORAGE,
    log_level: LogLevel = "info",
) -> None:
    """Run the service; the first start sets everything up and shows a first token, once."""
    settings = Settings(
        host=host,
        port=port,
        data_dir=data_dir,
        database_url=database_url,
        workers=workers,
        bind_workers=bind_workers,
        scopes_file=scopes_file,
        bootstrap_token_file=bootstrap_token_file,
        trusted_proxies=trusted_proxies,
        rate_limit=rate_limit,
        rate_limit_failures=rate_limit_failures,
        rate_limit_storage=rate_limit_storage,
        log_level=log_level,
    )
    if settings.bind_workers:
        require_binding()
    counters = open_counters(settings.rate_limit_storage)  # made here, so that all worker processes share them
    listener = listen(host, port)
    prepare(settings)
    secret = _begin(settings)
    url = base_url(listener)
    print(f"API:   {url}/v4\nData:  {settings.data_dir.resolve()}")
    if secret is not None:
        print(_welcome(url, secret, settings.bootstrap_token_file))
    print("\nReady. Ctrl-C stops it.", flush=True)
    run_server(
        partial(build_app, settings, counters=counters),
        listener,
        workers=settings.workers,
        bind_workers=settings.bind_workers,
        trusted_proxies=settings.trusted_proxies,
        log_level=settings.log_level,
    )


def _begin(settings: Settings) -> Secret | None:
    """Make the first account and token if there are none, and put the token into its file if one is named."""

    def deliver(secret: Secret) -> None:
        path = settings.bootstrap_token_file
        if path is None:
            return
        try:
            create_private_file(path, secret.reveal() + "\n")
        except OSError as error:
            raise SetupError(
                f"The first token cannot be written to {path} ({error.strerror}): name a new file in a directory that "
                "exists with TOKENRY_BOOTSTRAP_TOKEN_FILE. Nothing was made."
            ) from error

    installation = open_installation(settings)
    try:
        return begin(installation, deliver)
    finally:
        installation.database.close()


def _welcome(url: str, secret: Secret, path: Path | None) -> str:
    """What the very first start says. The lines to paste keep the token out of the process list and the history."""
    host = url.removeprefix("http://")
    client = f'linode_api4.LinodeClient(os.environ["TOKENRY_TOKEN"], "{url}/v4")'
    python = f"import os, linode_api4; print(*{client}.profile.tokens())"
    token = f"$(cat {path})" if path else secret.reveal()
    return f"""
This is the first start. An account and its administrator "admin" were made, with a first token that may do everything.
{"It is in the file that was asked for." if path else "It is shown this once and cannot be shown again:"}

  export TOKENRY_TOKEN={token}

Next, paste one of these:

  curl -H @<(printf 'Authorization: Bearer %s' "$TOKENRY_TOKEN") {url}/v4/profile/tokens
  LINODE_CLI_TOKEN=$TOKENRY_TOKEN LINODE_CLI_API_HOST={host} LINODE_CLI_API_SCHEME=http linode-cli profile tokens-list
  python3 -c '{python}'"""


app = alone(serve)
