"""Verification in one's own Python application: is a request's token valid, whose is it, and may it do this.

    questions.py  what is asked of a request          remote.py  asking the service, over HTTP
    answers.py    who is calling, or how to say no    local.py   deciding in this process, on the service's database
    metadata.py   what clients find out by themselves        users.py   the application's own user

    asgi.py  fastapi.py  wsgi.py  django.py  drf.py   one for each kind of application, on either verifier

In doubt the answer is no: whatever goes wrong with asking is a refusal with status 503, never an exception and never a
yes. Nothing here needs what the server needs, but for local.py.
"""

from tokenry.domain.identity import Identity
from tokenry.domain.metadata import Metadata
from tokenry.domain.words import Words
from tokenry.middleware.answers import Answer, Refused
from tokenry.middleware.metadata import ResourceMetadata
from tokenry.middleware.questions import Needs, Question, Verifier

__all__ = ["Answer", "Identity", "Metadata", "Needs", "Question", "Refused", "ResourceMetadata", "Verifier", "Words"]
