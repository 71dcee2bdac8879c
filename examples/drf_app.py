"""An API of Django REST framework in one file, to which a token is a way in. A product's would have sessions beside it.

python drf_app.py runserver --noreload 8000
"""

import os
import sys
from dataclasses import dataclass

from django.conf import settings
from django.core.management import execute_from_command_line
from django.urls import path

from tokenry.middleware import Identity, Needs
from tokenry.middleware.remote import RemoteVerifier


@dataclass(frozen=True)
class Customer:
    """The site's own user: in a product a row, found by `external_id`, the name that it gave tokenry for it."""

    name: str
    is_authenticated = True


def user_of(identity: Identity) -> Customer | None:
    """Whose token it is; None for somebody who is no customer, or no longer."""
    return Customer(identity.external_id or identity.user)


settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    MIDDLEWARE=["tokenry.middleware.django.TokenMiddleware"],
    REST_FRAMEWORK={
        "UNAUTHENTICATED_USER": None,
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    },
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.environ.get("SECRET_KEY", "not secret"),
    TOKENRY_VERIFIER=RemoteVerifier(os.environ.get("VERIFIER", "http://127.0.0.1:8470")),
    TOKENRY_USER=user_of,
)

from rest_framework.permissions import IsAuthenticated  # noqa: E402 - it reads the settings
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from tokenry.middleware.drf import TokenryAuthentication  # noqa: E402


class Linodes(TokenryAuthentication):
    """A token that may read linodes, or for another method than GET, write them."""

    needs = Needs(resource="linodes")


class Hello(APIView):  # type: ignore[misc]  # DRF has no types
    """Greets whoever has such a token."""

    authentication_classes = (Linodes,)
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        """Greet."""
        return Response({"hello": request.user.name})

    post = get


urlpatterns = [path("", Hello.as_view())]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
