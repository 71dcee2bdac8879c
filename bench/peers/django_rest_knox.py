"""django-rest-knox on SQLite: one view for those with a token, under gunicorn with one worker.

Argument: the file to write the requests into. It makes its users and tokens, prints its port and becomes gunicorn.
"""

import os
import socket
import sys
from pathlib import Path

import django
from django.conf import settings
from django.urls import re_path

STORED = 1_000
USERS = 10
THREADS = 4  # so that connections are kept: a worker of gunicorn's first kind closes each after one answer

requests_file = Path(os.environ["PEER_REQUESTS"] if "PEER_REQUESTS" in os.environ else sys.argv[1])
settings.configure(
    SECRET_KEY=os.urandom(32).hex(),
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "knox"],
    MIDDLEWARE=[],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": requests_file.with_suffix(".db"),
            "CONN_MAX_AGE": None,
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": ["knox.auth.TokenAuthentication"],
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    },
)
django.setup()

from django.contrib.auth.models import User  # noqa: E402 - models need the settings
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from knox.models import AuthToken  # noqa: E402
from rest_framework.decorators import api_view  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402


def who(request: Request) -> Response:
    """Say whose token it is, whatever the path: a gateway asks by one of its own."""
    user = request.user.get_username()
    return Response({"user": user}, headers={"X-Auth-User": user})


urlpatterns = [re_path("", api_view(["GET", "HEAD"])(who))]
application = get_wsgi_application()


def main() -> None:
    """Make the tokens, then serve."""
    call_command("migrate", verbosity=0)
    users = [User.objects.create_user(f"user-{number}") for number in range(USERS)]
    secrets = [AuthToken.objects.create(users[number % USERS])[1] for number in range(STORED)]
    lines = [f"{secret} /\tAuthorization: Token {secret}\n" for secret in secrets]
    requests_file.write_text("".join(lines), "ascii")
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    listener.set_inheritable(True)
    print(listener.getsockname()[1], flush=True)
    command = [sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}", "--workers", "1"]
    command += ["--worker-class", "gthread", "--threads", str(THREADS), "--keep-alive", "75", "--graceful-timeout", "1"]
    command += ["--pythonpath", str(Path(__file__).parent), "--log-level", "warning", "--no-control-socket"]
    environment = {**os.environ, "PEER_REQUESTS": str(requests_file)}
    os.execve(sys.executable, [*command, "django_rest_knox:application"], environment)


if __name__ == "__main__":
    main()
