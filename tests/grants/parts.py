"""What clients and users do with grants over HTTP: each once, with what has to be true when it was done, or was not."""

from collections.abc import Sequence
from secrets import token_hex
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2

from tests.grants.house import House
from tests.issuing import bearer
from tests.making import OPERATOR, new_user
from tests.oauth.parts import TOKEN, error, with_code, with_refresh_token
from tests.oauth_making import CHALLENGE, REDIRECT_URI, add_client, add_confidential, agree, give
from tests.pages.parts import hidden
from tokenry.domain.accounts import Origin
from tokenry.domain.clients import Authentication, Client
from tokenry.domain.oauth import GrantType
from tokenry.oauth.token import ACCESS_TOKEN
from tokenry.service.grants.issuing import Issued

AUTHORIZE = "/oauth/authorize"
ADMIN_ID = 1
USED = (400, "invalid_grant")
"""How what was used before is refused."""


class GrantChange:
    """One request that changes what a client has, and what was there before. It can be sent again."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.do = house.do

    def send(self, process: httpx2.Client) -> httpx2.Response:
        """Send it to one process of the service."""
        raise NotImplementedError

    def prove(self, *, done: bool) -> None:
        """Hold what the processes say against what is true now, whether or not it was done; nobody was told."""
        raise NotImplementedError

    def _ask(self, process: httpx2.Client, form: dict[str, str]) -> httpx2.Response:
        return process.post(TOKEN, data=form)

    def _send_to_first(self) -> httpx2.Response:
        return self.send(self.house.processes[0])

    def _send_to_last(self) -> httpx2.Response:
        return self.send(self.house.processes[-1])

    def _refresh(self, client: Client, token: str) -> httpx2.Response:
        return self._ask(self.house.processes[0], with_refresh_token(client, token))

    def _give(self, client: Client) -> Issued:
        return give(self.do.transactions, self.do.peppers, client)


def access_of(answer: httpx2.Response) -> str:
    """The access token that was given."""
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


class CodeExchange(GrantChange):
    """A code is exchanged."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.client = add_client(self.do.database)
        self.code = agree(self.do.transactions, self.do.peppers, self.client).reveal()

    def send(self, process: httpx2.Client) -> httpx2.Response:
        return self._ask(process, with_code(self.client, self.code))

    def prove(self, *, done: bool) -> None:
        given = [] if done else [access_of(self._send_to_first())]
        if given:
            self.house.remember(*given)
        self.prove_second_use_ends(*given)

    def prove_second_use_ends(self, *access: str) -> None:
        """Present it once more."""
        assert error(self._send_to_last()) == USED
        assert self.house.verdicts(*access) <= {401}
        assert (self.house.made_for(self.client), self.house.usable_by(self.client)) == (1, 0)


class CodeReuse(CodeExchange):
    """A code that was exchanged is presented again, which ends what it brought."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        answer = self._send_to_first()
        self.access, self.refresh = access_of(answer), answer.json()["refresh_token"]
        house.remember(self.access)

    def prove(self, *, done: bool) -> None:
        assert self.house.verdicts(self.access) == {401 if done else 200}
        self.prove_second_use_ends(self.access)
        assert error(self._refresh(self.client, self.refresh)) == USED


class Refresh(GrantChange):
    """A refresh token is used."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.client = add_client(self.do.database)
        issued = self._give(self.client)
        assert issued.refresh is not None
        self.access, self.refresh = [issued.access.reveal()], issued.refresh.reveal()
        house.remember(*self.access)

    def send(self, process: httpx2.Client) -> httpx2.Response:
        return self._ask(process, with_refresh_token(self.client, self.refresh))

    def prove(self, *, done: bool) -> None:
        assert self.house.verdicts(*self.access) == {200}
        assert self.house.unused_refresh_tokens(self.client) == 1
        if not done:
            self.access.append(access_of(self._send_to_first()))
            assert self.house.unused_refresh_tokens(self.client) == 1
            self.house.remember(*self.access)
        assert self.house.made_for(self.client) == 2
        self.prove_second_use_ends_all()

    def prove_second_use_ends_all(self) -> None:
        """Present it once more."""
        assert error(self._send_to_last()) == USED
        assert self.house.verdicts(*self.access) == {401}
        assert self.house.usable_by(self.client) == 0


class RefreshReuse(Refresh):
    """A refresh token that was used is presented again, which ends its grant."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        answer = self._send_to_first()
        self.access.append(access_of(answer))
        self.next = answer.json()["refresh_token"]
        house.remember(*self.access)

    def prove(self, *, done: bool) -> None:
        assert self.house.verdicts(*self.access) == {401 if done else 200}
        if not done:
            answer = self._refresh(self.client, self.next)
            self.access.append(access_of(answer))
            self.next = answer.json()["refresh_token"]
        self.prove_second_use_ends_all()
        assert error(self._refresh(self.client, self.next)) == USED


class ClientCredentials(GrantChange):
    """A client gets a token for itself."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.client, self.secret = add_confidential(
            self.do.database,
            self.do.peppers,
            Authentication.POST,
            grant_types=str(GrantType.CLIENT_CREDENTIALS),
            service_user_id=new_user(self.do.database, f"robot-{token_hex(4)}"),
        )

    def send(self, process: httpx2.Client) -> httpx2.Response:
        form = {"grant_type": GrantType.CLIENT_CREDENTIALS, "client_id": self.client.client_id}
        return self._ask(process, form | {"client_secret": self.secret.reveal()})

    def prove(self, *, done: bool) -> None:
        assert self.house.made_for(self.client) == done
        assert self.house.verdicts(access_of(self._send_to_first())) == {200}
        assert self.house.apps_of(self.client) == 1


class DeviceCodeExchange(GrantChange):
    """A device whose user has agreed gets its tokens."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.client = add_client(
            self.do.database,
            grant_types=f"{GrantType.DEVICE_CODE} {GrantType.REFRESH_TOKEN}",
            scopes="domains:read_only",
        )
        begun = self.do.device_codes.begin(Origin("test"), self.client, None, ())
        assert self.do.device_codes.approve(OPERATOR, ADMIN_ID, begun.user_code)
        self.code = begun.secret.reveal()

    def send(self, process: httpx2.Client) -> httpx2.Response:
        form = {"grant_type": GrantType.DEVICE_CODE, "client_id": self.client.client_id, "device_code": self.code}
        return self._ask(process, form)

    def prove(self, *, done: bool) -> None:
        given = [] if done else [access_of(self._send_to_first())]
        assert error(self._send_to_last()) == USED
        assert self.house.made_for(self.client) == 1
        assert self.house.verdicts(*given) <= {200}


class TokenExchange(GrantChange):
    """A client gets another token for one that it has."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.client, self.secret = add_confidential(
            self.do.database,
            self.do.peppers,
            Authentication.POST,
            grant_types=f"{GrantType.AUTHORIZATION_CODE} {GrantType.TOKEN_EXCHANGE}",
        )
        self.subject = self._give(self.client)
        house.remember(self.subject.access.reveal())

    def send(self, process: httpx2.Client) -> httpx2.Response:
        form = {
            "grant_type": GrantType.TOKEN_EXCHANGE,
            "client_id": self.client.client_id,
            "client_secret": self.secret.reveal(),
            "subject_token": self.subject.access.reveal(),
            "subject_token_type": ACCESS_TOKEN,
        }
        return self._ask(process, form)

    def prove(self, *, done: bool) -> None:
        assert self.house.made_for(self.client) == 1 + done
        self.house.remember(self.subject.access.reveal(), access_of(self._send_to_first()))


class Consent(GrantChange):
    """A user lets a client in on its page, and the client is sent a code."""

    response_type = "code"

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.client = add_client(self.do.database, **self._columns())
        with self.do.transactions.change(Origin("test")) as change:
            begun = self.do.sessions.begin_session(change, ADMIN_ID, method="password", address=None, agent=None)
        self.cookie = {"Cookie": f"tokenry={begun.reveal()}"}
        asked = {
            "client_id": self.client.client_id,
            "response_type": self.response_type,
            "redirect_uri": REDIRECT_URI,
            "scope": "linodes:read_only",
            **self._proof(),
        }
        self.path = f"{AUTHORIZE}?{urlencode(asked)}"
        page = house.processes[0].get(self.path, headers=self.cookie)
        assert page.status_code == 200, page.text
        self.form = {**hidden(page.text), "decision": "agree"}

    def _columns(self) -> dict[str, Any]:
        return {}

    def _proof(self) -> dict[str, str]:
        return {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}

    def send(self, process: httpx2.Client) -> httpx2.Response:
        return process.post(self.path, data=self.form, headers=self.cookie)

    def prove(self, *, done: bool) -> None:
        assert self.house.apps_of(self.client) == done
        code = self._told(self._send_to_first())["code"]
        assert self.house.apps_of(self.client) == 1
        self.house.remember(access_of(self._ask(self.house.processes[-1], with_code(self.client, code))))

    def _told(self, answer: httpx2.Response) -> dict[str, str]:
        """What the client is sent."""
        assert answer.status_code == 303, answer.text
        address = urlsplit(answer.headers["location"])
        return {name: values[0] for name, values in parse_qs(address.query or address.fragment).items()}


class ImplicitConsent(Consent):
    """A user lets a client in, which is sent an access token."""

    response_type = "token"

    def _columns(self) -> dict[str, Any]:
        return {"grant_types": str(GrantType.IMPLICIT), "pkce_required": False}

    def _proof(self) -> dict[str, str]:
        return {}

    def prove(self, *, done: bool) -> None:
        assert self.house.made_for(self.client) == self.house.apps_of(self.client) == done
        self.house.remember(self._told(self._send_to_first())["access_token"])
        assert (self.house.made_for(self.client), self.house.apps_of(self.client)) == (1 + done, 1)


class End(GrantChange):
    """All that a user let a client in for ends: two grants, and a code on its way."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.client = add_client(self.do.database)
        issued = [self._give(self.client) for _ in range(2)]
        self.app_id = issued[0].grant.app_id
        self.access = [each.access.reveal() for each in issued]
        self.refresh = [each.refresh.reveal() for each in issued if each.refresh is not None]
        self.code = agree(self.do.transactions, self.do.peppers, self.client).reveal()
        house.remember(*self.access)

    def send(self, process: httpx2.Client) -> httpx2.Response:
        return process.delete(f"/v4/profile/apps/{self.app_id}", headers=bearer(self.house.token))

    def prove(self, *, done: bool) -> None:
        assert self.house.verdicts(*self.access) == {401 if done else 200}
        assert self._send_to_last().status_code == (404 if done else 200)
        assert self.house.verdicts(*self.access) == {401}
        assert self.house.usable_by(self.client) == self.house.apps_of(self.client) == 0
        left = [self._refresh(self.client, token) for token in self.refresh]
        left.append(self._ask(self.house.processes[0], with_code(self.client, self.code)))
        assert list(map(error, left)) == [USED] * 3


class GivingBack(Refresh):
    """A client gives back its refresh token, and with it all that its authorization brought."""

    def send(self, process: httpx2.Client) -> httpx2.Response:
        return process.post("/oauth/revoke", data={"client_id": self.client.client_id, "token": self.refresh})

    def prove(self, *, done: bool) -> None:
        assert self.house.verdicts(*self.access) == {401 if done else 200}
        assert self._send_to_last().status_code == 200
        assert self.house.verdicts(*self.access) == {401}
        assert self.house.usable_by(self.client) == 0
        assert error(self._refresh(self.client, self.refresh)) == USED


CHANGES: Sequence[type[GrantChange]] = (
    CodeExchange,
    CodeReuse,
    Refresh,
    RefreshReuse,
    ClientCredentials,
    DeviceCodeExchange,
    TokenExchange,
    Consent,
    ImplicitConsent,
    End,
    GivingBack,
)
