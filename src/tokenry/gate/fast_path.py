"""Answering a plain question from the bytes of the request, without parser, application or task.

What is plain is for `heads.py` to say. Everything else, and whatever is not decided here at once, is for the ordinary
route, which gives the same answers.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from tokenry.counters.quotas import Meter, ProcessQuotas, Quotas
from tokenry.domain.checks import Denial
from tokenry.domain.errors import Refusal, Unavailable
from tokenry.domain.limits import WINDOW_SECONDS, allowance, window_at
from tokenry.domain.scopes import NOTHING, Scopes
from tokenry.domain.secrets import HIDDEN_LENGTH, is_junk
from tokenry.domain.words import Words
from tokenry.gate.heads import find_token, is_bound, is_visible, read_plain
from tokenry.gate.senders import Sender
from tokenry.gate.shapes import Shapes
from tokenry.gate.verify import accepted, exhausted, refused, verdict
from tokenry.verification.cache import Known
from tokenry.verification.needs import ReadPolicy
from tokenry.verification.verifier import MISSING, Decision, Verifier

APP_STATE_KEY = "tokenry_fast_path"
_UNCOUNTED = Denial.UNCOUNTED
INSUFFICIENT_MAX = 256
"""So many refusals for want of scopes are kept: gateways ask for a handful."""
NUMBERS = 10_000
"""So many numbers are written beforehand: to write one costs more than to count."""


class FastPath:
    """Decides on plain requests and writes their answers. One for each worker.

    What has to be counted is for the ordinary route, unless there are `quotas`, by which nobody waits for that.
    """

    def __init__(
        self,
        verifier: Verifier,
        read_policy: ReadPolicy,
        words: Words,
        quotas: Quotas[Any] | None = None,
        *,
        metadata: bool = False,
    ) -> None:
        self._verifier = verifier
        self._recall = verifier.recall
        self._judge = verifier.judge
        self._lacks = verifier.lacks
        self._read_policy = read_policy
        self._shapes = Shapes()
        self._defaults: Sequence[tuple[bytes, bytes]] = ()
        self._starts: dict[int, bytes] = {}
        self._accepted = self._refused = b""
        self._words = words
        self._metadata = metadata
        self._missing = _tail(*verdict(MISSING, NOTHING, words)[1:])
        self._unknown = _tail(*verdict(Decision(None, Denial.UNKNOWN), NOTHING, words)[1:])
        self._insufficient = lru_cache(INSUFFICIENT_MAX)(self._write_insufficient)
        self._quotas = quotas
        self._window = 0
        self._begins = self._ends = 0.0
        self._heads: dict[int, bytes] = {}  # by limit
        # A process that counts alone adds to the meter by itself: a call costs as much as all else of counting.
        self._take = None if quotas is None or isinstance(quotas, ProcessQuotas) else quotas.take

    def answer(self, sender: Sender, defaults: Sequence[tuple[bytes, bytes]]) -> bytes | None:
        """The whole answer to the request in `sender.head`; None if it is for the ordinary route.

        Empty if `sender.look_up` has to end before, for `answer_late`. Until then the sender stays as it is.
        `defaults` are the headers that the server adds to each answer, among them the date: a new list each second.
        """
        if defaults is not self._defaults:
            self._renew(defaults)
        text = sender.repeated()
        if text is None:
            return self._answer_new(sender)
        known = self._recall(text)
        if known is None:
            return self._look_up(sender, text)
        denial = self._judge(known, sender.needed, sender)
        if denial is None:
            return self._accepted + (known.answer or self._keep(known))
        return self._count(sender, known) if denial is _UNCOUNTED else self._refuse(sender, denial)

    def answer_late(self, sender: Sender, defaults: Sequence[tuple[bytes, bytes]]) -> bytes | None:
        """The whole answer when `sender.look_up` has ended; None if it is for the ordinary route."""
        if defaults is not self._defaults:
            self._renew(defaults)
        begun, sender.look_up = sender.look_up, None
        assert begun is not None
        try:
            return self._answer_found(sender, self._verifier.end_look_up(begun, sender))
        except Unavailable as refusal:
            return self._write(sender, *refused(refusal))
        except Exception:  # noqa: BLE001 - no pepper, or a defect
            return None  # and so asked again, refused in the same way, and logged

    def _answer_new(self, sender: Sender) -> bytes | None:
        """Answer to a head that has to be read in full; None if it is for the ordinary route."""
        head = sender.head
        plain = read_plain(head)
        if plain is None:
            return None
        told = () if plain.told is None else (head[plain.told],)
        try:
            needed = plain.question.read(self._read_policy, plain.policy, plain.method.decode("ascii"), told)
        except Refusal as refusal:
            return self._write(sender, *refused(refusal))
        if plain.presented is None:
            return self._end(sender, self._starts[401] + self._missing)
        token = find_token(head, plain.presented)
        if token is None:
            return None if is_bound(head, plain.presented) else self._refuse(sender)
        sender.keep(plain, token, needed, self._read_policy, self._shapes)
        known = self._recall(head[token])
        return self._look_up(sender, head[token]) if known is None else self._answer_found(sender, known)

    def _look_up(self, sender: Sender, text: bytes) -> bytes | None:
        """Answer to a token that is not remembered; in a repeated head, something else may stand in its place."""
        junk, preview = is_junk(text), text[:-HIDDEN_LENGTH]
        if junk or self._lacks(preview):
            if not is_visible(text):
                return None
            if not junk:
                self._verifier.refuse_unknown(preview.decode("ascii"), sender)
            return self._refuse(sender)
        try:
            found = self._verifier.look_up_now(text, sender)
        except (Unavailable, LookupError):  # no database, no pepper
            return None  # and so asked again, refused in the same way, and logged
        if found is None:
            sender.look_up = self._verifier.begin_look_up(text)
            return None if sender.look_up is None else b""
        if found is Denial.MALFORMED and not is_visible(text):
            return None
        return self._answer_found(sender, found)

    def _answer_found(self, sender: Sender, found: Known | Denial) -> bytes | None:
        if isinstance(found, Denial):
            return self._refuse(sender)
        denial = self._judge(found, sender.needed, sender)
        if denial is None:
            return self._accepted + (found.answer or self._keep(found))
        return self._count(sender, found) if denial is _UNCOUNTED else self._refuse(sender, denial)

    def _count(self, sender: Sender, known: Known) -> bytes | None:
        """Answer to a token that is good for a request if its limit allows it; None if that is to be waited for."""
        if not self._begins <= known.asked_at < self._ends:
            if self._quotas is None:
                return None
            self._begin_window(known.asked_at)
        meter, limit = known.meter, known.limit
        if meter.window != self._window:
            meter = self._turn(known)
        used = meter.used + sender.needed.cost if self._take is None else self._take(meter, sender.needed.cost, limit)
        left = limit - used
        if left < 0:
            return self._exhaust(sender, known, used)
        meter.used = used
        number = _NUMBERS[left] if left < NUMBERS else b"%d\r\n" % left
        head = self._heads.get(limit) or self._write_head(limit)
        return head + number + known.answer

    def _exhaust(self, sender: Sender, known: Known, used: int) -> bytes:
        self._verifier.take_back(Decision(known.actor), Denial.EXHAUSTED)
        return self._write(sender, *exhausted(allowance(limit=known.limit, used=used, now=known.asked_at)))

    def _begin_window(self, now: float) -> None:
        self._window = window_at(now)
        self._begins = float(self._window * WINDOW_SECONDS)  # comparing with an int costs as much as all of counting
        self._ends = self._begins + WINDOW_SECONDS
        self._heads.clear()

    def _turn(self, known: Known) -> Meter:
        """Count a token in the window that has begun."""
        assert self._quotas is not None
        meter: Meter = self._quotas.find_meter(known.actor.token_id)
        known.meter = meter
        meter.turn(self._window)
        if not known.answer:
            self._keep(known)
        return meter

    def _write_head(self, limit: int) -> bytes:
        """Begin the answers to all tokens that have this limit, until the date or the window is another."""
        reset = allowance(limit=limit, used=0, now=self._begins).reset
        told = b"x-ratelimit-limit: %d\r\nx-ratelimit-reset: %d\r\nx-ratelimit-remaining: " % (limit, reset)
        head = self._heads[limit] = self._accepted + told
        return head

    def _refuse(self, sender: Sender, denial: Denial = Denial.UNKNOWN) -> bytes:
        """Refuse a token; in public no reason is told apart but that its scopes do not suffice."""
        if denial is Denial.INSUFFICIENT_SCOPE:
            return self._end(sender, self._starts[403] + self._insufficient(sender.needed.text))
        return self._end(sender, self._refused)

    def _write(self, sender: Sender, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
        return self._end(sender, self._starts[status] + _tail(body, headers))

    def _end(self, sender: Sender, answer: bytes) -> bytes:
        """As it goes out: HEAD is answered with all that is said of the body, and no body."""
        return answer[: answer.index(b"\r\n\r\n") + 4] if sender.head.startswith(b"HEAD ") else answer

    def _renew(self, defaults: Sequence[tuple[bytes, bytes]]) -> None:
        added = b"".join(name + b": " + value + b"\r\n" for name, value in defaults)
        self._starts = {status: STATUS_LINE[status] + added for status in _STATUS}
        self._accepted, self._refused = self._starts[200], self._starts[401] + self._unknown
        self._heads.clear()
        self._defaults = defaults

    def _write_insufficient(self, needed: str) -> bytes:
        return _tail(*verdict(Decision(None, Denial.INSUFFICIENT_SCOPE), Scopes.parse(needed), self._words)[1:])

    def _keep(self, known: Known) -> bytes:
        known.answer = _tail(*accepted(known.actor, metadata=self._metadata)[1:])
        return known.answer


def _tail(body: bytes, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    return lines + b"content-length: %d\r\n\r\n" % len(body) + body


_NUMBERS = tuple(b"%d\r\n" % number for number in range(NUMBERS))
_STATUS = (200, 400, 401, 403, 405, 429, 503)
