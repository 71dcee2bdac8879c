"""Recorded conversations, played again to this service: what was answered then beside what is answered now.

Each runs in its recorded order. What cannot be the same is put in place of what was recorded: ids, names, the text of
tokens, secrets of clients, and times, which the recorder had masked (`edited_by_the_recorder` in the data file).
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.conftest import App

_RECORDED: dict[str, Any] = json.loads(Path(__file__).with_name("vectors.json").read_text("utf-8"))
VECTORS: list[dict[str, Any]] = _RECORDED["vectors"]
REFUSALS: list[dict[str, Any]] = _RECORDED["refusals"]
"""Recent ones, of whatever was asked: one for each method and status."""
REPLAYED = [vector for vector in VECTORS if "not_replayed" not in vector]

_MASKED = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d")
_MASK = "2018-01-02T03:04:05"


@dataclass
class Stage:
    """What is there before a conversation: who speaks, and what stands in place of what was recorded."""

    bearer: dict[str, str]
    stand_ins: dict[str, str]


@dataclass
class Exchange:
    """A recorded reply, its body with this run's ids and tokens, and the reply of this service.

    Of a long body only its keys were kept, or not even those: then `body` is None.
    """

    status: int
    headers: list[tuple[str, str]]
    body: str | None
    body_keys: list[str] | None
    answer: httpx2.Response
    at: float

    @property
    def answered(self) -> str:
        """The body of this service's reply, its times masked as the recorder did."""
        return _MASKED.sub(_MASK, self.answer.text)


def conversation_of(vector: dict[str, Any]) -> str:
    """The conversation that a vector is one exchange of."""
    name: str = vector["id"].partition(".")[0]
    return name


def replay(app: App, vectors: list[dict[str, Any]], stage: Stage) -> list[Exchange]:
    """Say again what was said in one conversation."""
    stand_ins = dict(stage.stand_ins)
    exchanges = []
    for vector in vectors:
        request, recorded = vector["request"], vector["response"]
        headers = {name: values[0] for name, values in request["headers"].items()}
        answer = app.client.request(
            request["method"],
            _in_place(request["path"], stand_ins),
            headers={**headers, **stage.bearer},
            content=None if request["body"] is None else _in_place(request["body"], stand_ins),
        )
        raw = recorded.get("body_raw")
        if request["method"] == "POST":
            stand_ins |= _for_created(json.loads(raw), answer.json())
        exchanges.append(
            Exchange(
                status=recorded["status"],
                headers=headers_of_today(recorded),
                body=None if raw is None else _in_place(raw, stand_ins),
                body_keys=recorded.get("body_keys"),
                answer=answer,
                at=app.clock.seconds,
            )
        )
    return exchanges


def headers_of_today(recorded: dict[str, Any]) -> list[tuple[str, str]]:
    """The headers of a recorded reply as they are today, whenever it was recorded.

    Some recordings were made before a proxy stood in front, which forbids all caching, and until 2025 refusals did not
    ask for HTTPS. What compressed a long body is not the service.
    """
    headers = dict(recorded["headers"])
    headers["Vary"] = [value for value in headers.get("Vary", ()) if value != "Accept-Encoding"]
    headers["Strict-Transport-Security"] = ["max-age=31536000"]
    if headers.pop("Server", None) is not None:
        headers |= {"Cache-Control": ["max-age=0, no-cache, no-store"], "Pragma": ["no-cache"]}
    return [(name.lower(), value) for name, values in headers.items() for value in values]


def for_token(recorded: dict[str, Any], ours: dict[str, Any]) -> dict[str, str]:
    """What to write in place of a recorded id and token text: whole ones first, since they start with the short."""
    return {
        f'"id": {recorded["id"]},': f'"id": {ours["id"]},',
        f"/tokens/{recorded['id']}": f"/tokens/{ours['id']}",
        recorded["token"]: ours["token"],
        recorded["token"][:16]: ours["token"][:16],
    }


def _for_created(recorded: dict[str, Any], ours: dict[str, Any]) -> dict[str, str]:
    """The same of whatever was created: a token, or an OAuth client, also one that got another secret."""
    if "token" in recorded:
        return for_token(recorded, ours)
    return {recorded[name]: ours[name] for name in ("id", "secret")}


def _in_place(text: str, stand_ins: dict[str, str]) -> str:
    for recorded, ours in stand_ins.items():
        text = text.replace(recorded, ours)
    return text
