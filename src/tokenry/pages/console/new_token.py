"""Making a token: the form, what it comes to in words, and the page that shows the secret, once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from tokenry.domain.errors import AlreadyMade, Fault, Invalid
from tokenry.domain.policy import Rules
from tokenry.domain.scopes import Scopes
from tokenry.domain.tokens import NewToken
from tokenry.domain.zones import find_zone
from tokenry.pages.console.matrix import Matrix
from tokenry.pages.console.shown import show_in
from tokenry.pages.console.token_form import TokenForm, expiry_default, list_lifetimes
from tokenry.pages.forgery import FIELD
from tokenry.pages.navigation import TOKENS
from tokenry.pages.once import KEY, is_another, new_key
from tokenry.pages.paths import CONSOLE_TOKENS
from tokenry.pages.signed_in import require_recent
from tokenry.pages.visits import Redirect, Reply, Visit, read_id
from tokenry.pages.wording import is_dangerous, summarize
from tokenry.service.installation import Installation

LONG = timedelta(days=3653)
"""A token that lives for more than ten years is as good as one that never expires."""
EDIT, MAKE = "edit", "make"
"""What a form is sent for, besides to be shown what it comes to."""
MADE_BEFORE = "A token was made from this form before. Send it once more to make another one."


class Offer(NamedTuple):
    """What somebody may choose from, and by which rules."""

    matrix: Matrix
    rules: Rules
    now: datetime


class NewTokenPages:
    """`/console/tokens/new`."""

    def __init__(self, installation: Installation) -> None:
        self._tokens = installation.tokens
        self._details = installation.details
        self._policies = installation.policies
        self._catalogue = installation.catalogue
        self._public_url = installation.public_url

    def show_form(self, visit: Visit) -> Reply:
        """GET the form, with what the address says, or with what the token has that is to be copied."""
        offer, source = self._offer(visit), read_id(visit.query.get("from"))
        if source is not None:
            form = TokenForm.of(self._details.get_details(visit.signed_in.user.id, source), offer.matrix)
        else:
            today = visit.now.astimezone(find_zone(visit.signed_in.timezone)).date()
            form = TokenForm.prefilled(visit.query, offer.matrix, today)
        return self._show(visit, offer, replace(form, expires=form.expires or expiry_default(offer.rules)))

    def take_form(self, visit: Visit) -> Reply:
        """POST the form: to be shown what it comes to, to go on with it, or to have the token made."""
        offer, form = self._offer(visit), TokenForm.read(visit.form)
        if visit.form.find("step") == EDIT:
            return self._show(visit, offer, form)
        new = form.ask(offer.matrix, offer.rules, offer.now, visit.signed_in.timezone)
        faults = self._tokens.check(new, limit=self._limit(visit), rules=offer.rules, now=offer.now)
        if faults:
            return self._show(visit, offer, form, faults)
        if visit.form.find("step") != MAKE:
            return self._review(visit, offer, form, new)
        return self._make(visit, offer, form, new)

    def _make(self, visit: Visit, offer: Offer, form: TokenForm, new: NewToken) -> Reply:
        if needs_proof(self._catalogue.read(new.scopes), new.expiry, offer.now):
            require_recent(visit)
        try:
            token, secret = self._tokens.create_token(visit.origin, new, form.request())
        except AlreadyMade as made:
            return Redirect(f"{CONSOLE_TOKENS}/{made.id}", flash="made-already")
        except Invalid as refusal:
            if is_another(refusal):
                return self._show(visit, offer, replace(form, key=new_key()), [Fault(MADE_BEFORE)])
            return self._show(visit, offer, form, refusal.faults)
        return show_in(
            TOKENS, "secret", token=token, secret=secret.reveal(), public_url=self._public_url, rotation=None
        )

    def _review(self, visit: Visit, offer: Offer, form: TokenForm, new: NewToken) -> Reply:
        scopes = self._catalogue.read(new.scopes)
        return show_in(
            TOKENS,
            "review",
            new=new,
            scopes=scopes,
            summary=summarize(scopes, self._catalogue),
            starts=new.starts(offer.now),
            dangerous=needs_proof(scopes, new.expiry, offer.now),
            fields=[(name, value) for name, value in visit.form.pairs if name not in {FIELD, "step", KEY}],
            key=form.key,
        )

    def _show(self, visit: Visit, offer: Offer, form: TokenForm, faults: Sequence[Fault] = ()) -> Reply:
        return show_in(
            TOKENS,
            "new_token",
            400 if faults else 200,
            faults=faults,
            form=form,
            matrix=offer.matrix,
            rules=offer.rules,
            lifetimes=list_lifetimes(offer.rules, offer.now),
            today=offer.now.astimezone(find_zone(visit.signed_in.timezone)).date(),
            proxy=visit.signed_in.user.proxy,
            address=visit.address,
        )

    def _offer(self, visit: Visit) -> Offer:
        user = visit.signed_in.user
        rules = self._policies.get_rules(user.id)
        return Offer(
            Matrix.of(self._catalogue, user, self._limit(visit), rules), rules, visit.now.replace(microsecond=0)
        )

    def _limit(self, visit: Visit) -> Scopes:
        return visit.signed_in.actor.scopes.by(self._catalogue.implied)


def needs_proof(scopes: Scopes, expiry: datetime | None, now: datetime) -> bool:
    """Whether a secret of such a token is for whoever has proved not long ago who it is: it does much, or for long."""
    return is_dangerous(scopes) or (expiry is not None and expiry - now > LONG)
