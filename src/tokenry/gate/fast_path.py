"""Answering a plain `GET /verify` from the bytes of the request, without parser, application or task.

What is plain is for `heads.py` to say. Everything else, and whatever is not decided here at once, is for the ordinary
route, which gives the same answers.
"""

from collections.abc import Callable, Sequence

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from tokenry.domain.checks import Denial
from tokenry.domain.errors import Refusal, Unavailable
from tokenry.domain.scopes import NOTHING, Level, Scopes
from tokenry.domain.secrets import is_junk
from tokenry.gate.heads import Sender, is_visible
from tokenry.gate.shapes import Shapes
from tokenry.gate.verify import accepted, unavailable, verdict
from tokenry.verification.cache import Known
from tokenry.verification.verifier import Decision, Verifier

APP_STATE_KEY = "tokenry_fast_path"


class FastPath:
    """Decides on plain requests and writes their answers. One for each worker."""

    def __init__(self, verifier: Verifier, read_policy: Callable[[bytes, Level | None], Scopes]) -> None:
        self._verifier = verifier
        self._recall = verifier.recall
        self._judge = verifier.judge
        self._read_policy = read_policy
        self._shapes = Shapes()
        self._defaults: Sequence[tuple[bytes, bytes]] = ()
        self._starts: dict[int, bytes] = {}
        self._accepted = self._refused = b""

    def answer(self, sender: Sender, defaults: Sequence[tuple[bytes, bytes]]) -> bytes | None:
        """The whole answer to the request in `sender.head`; None if it is for the ordinary route.

        Empty if `sender.look_up` has to end before, for `answer_late`. Until then the sender stays as it is.
        `defaults` are the headers that the server adds to each answer, among them the date: a new list each second.
        """
        if defaults is not self._defaults:
            self._renew(defaults)
        text = sender.repeated() or self._read(sender)
        if text is None:
            return None
        known = self._recall(text)
        if known is None:
            return self._look_up(sender, text)
        denial = self._judge(known, sender.needed, sender)
        if denial is None:
            return self._accepted + (known.answer or _keep(known))
        return self._refuse(denial, known, sender.needed)

    def answer_late(self, sender: Sender, defaults: Sequence[tuple[bytes, bytes]]) -> bytes | None:
        """The whole answer when `sender.look_up` has ended; None if it is for the ordinary route."""
        if defaults is not self._defaults:
            self._renew(defaults)
        begun, sender.look_up = sender.look_up, None
        assert begun is not None
        try:
            return self._answer_found(sender, self._verifier.end_look_up(begun))
        except Unavailable as refusal:
            return self._starts[503] + _tail(*unavailable(refusal)[1:])
        except Exception:  # noqa: BLE001 - no pepper, or a defect
            return None  # and so asked again, refused in the same way, and logged

    def _read(self, sender: Sender) -> bytes | None:
        """Read a head that is not as the one before; its token, or None if it is for the ordinary route."""
        plain = sender.read_plain()
        if plain is None:
            return None
        query, text = plain
        try:
            sender.needed = self._read_policy(query, None)
        except Refusal:
            sender.forget()
            return None
        sender.learn(self._shapes)
        return text

    def _look_up(self, sender: Sender, text: bytes) -> bytes | None:
        """Answer to a token that is not remembered; in a repeated head, something else may stand in its place."""
        if is_junk(text):
            return self._refused if is_visible(text) else None
        try:
            found = self._verifier.look_up_now(text)
        except (Unavailable, LookupError):  # no database, no pepper
            return None  # and so asked again, refused in the same way, and logged
        if found is None:
            sender.look_up = self._verifier.begin_look_up(text)
            return None if sender.look_up is None else b""
        if found is Denial.MALFORMED and not is_visible(text):
            return None
        return self._answer_found(sender, found)

    def _answer_found(self, sender: Sender, found: Known | Denial) -> bytes:
        if isinstance(found, Denial):
            return self._refused
        denial = self._judge(found, sender.needed, sender)
        if denial is None:
            return self._accepted + _keep(found)
        return self._refuse(denial, found, sender.needed)

    def _refuse(self, denial: Denial, known: Known, needed: Scopes) -> bytes:
        if denial is not Denial.INSUFFICIENT_SCOPE:
            return self._refused
        status, body, headers = verdict(Decision(known.actor, denial), needed)
        return self._starts[status] + _tail(body, headers)

    def _renew(self, defaults: Sequence[tuple[bytes, bytes]]) -> None:
        added = b"".join(name + b": " + value + b"\r\n" for name, value in defaults)
        self._starts = {status: STATUS_LINE[status] + added for status in (200, 401, 403, 503)}
        self._accepted, self._refused = self._starts[200], self._starts[401] + _REFUSED
        self._defaults = defaults


def _keep(known: Known) -> bytes:
    known.answer = _tail(*accepted(known.actor)[1:])
    return known.answer


def _tail(body: bytes, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    return lines + b"content-length: %d\r\n\r\n" % len(body) + body


# One answer for every token that is refused: in public no reason is told apart.
_REFUSED = _tail(*verdict(Decision(None, Denial.UNKNOWN), NOTHING)[1:])
