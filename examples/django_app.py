"""A Django project in one file. No other site can make a browser send a token, so what it protects needs no CSRF token.

python django_app.py runserver --noreload 8000
"""

import os
import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from tokenry.middleware.django import require
from tokenry.middleware.remote import RemoteVerifier

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    MIDDLEWARE=["tokenry.middleware.django.TokenMiddleware", "django.middleware.csrf.CsrfViewMiddleware"],
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.environ.get("SECRET_KEY", "not secret"),
    TOKENRY_VERIFIER=RemoteVerifier(os.environ.get("VERIFIER", "http://127.0.0.1:8470")),
)


@require(resource="linodes")
def hello(request: HttpRequest) -> JsonResponse:
    """Greet whoever may read linodes, or for another method than GET, write them."""
    return JsonResponse({"hello": request.tokenry.user})


urlpatterns = [path("", csrf_exempt(hello))]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
