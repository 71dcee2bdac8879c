"""An installation: every use case there is, on one database; and how it begins."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from tokenry.domain.accounts import Origin
from tokenry.domain.catalogue import Catalogue
from tokenry.domain.errors import NoPublicUrl
from tokenry.domain.mail import MailSettings
from tokenry.domain.passkeys import RelyingParty
from tokenry.domain.policy import NO_RULES
from tokenry.domain.public_url import api_addresses
from tokenry.domain.scopes import ALL
from tokenry.domain.secrets import PERSONAL, Kind, Peppers, Secret
from tokenry.domain.sessions import STANDARD_LIMITS, SessionLimits
from tokenry.domain.tokens import NewToken
from tokenry.fetching.reach import INTERNET, Networks
from tokenry.service.account_users import AccountUsers
from tokenry.service.accounts import Accounts
from tokenry.service.activity import Activity
from tokenry.service.admission import Admission
from tokenry.service.apps import Apps
from tokenry.service.audit import Audit
from tokenry.service.authorization import Authorizations
from tokenry.service.children import Children
from tokenry.service.details import TokenDetails
from tokenry.service.documents import ClientDocuments, Documents
from tokenry.service.explanation import Explanations
from tokenry.service.factors import Factors
from tokenry.service.grants.authentication import ClientAuthentication
from tokenry.service.grants.authorization_code import AuthorizationCodes
from tokenry.service.grants.client_credentials import ClientCredentials
from tokenry.service.grants.device_code import DeviceCodes
from tokenry.service.grants.refresh import RefreshTokens
from tokenry.service.grants.revocation import ClientRevocations
from tokenry.service.grants.token_exchange import TokenExchange
from tokenry.service.identities import Identities
from tokenry.service.inventory import Inventory
from tokenry.service.leak_keys import LeakKeys
from tokenry.service.leaks import Leaks
from tokenry.service.links import Links
from tokenry.service.logins import Logins
from tokenry.service.mailing import Mailing
from tokenry.service.managed import ManagedTokens, ManagedUsers
from tokenry.service.notices import Notices
from tokenry.service.oauth_clients import AccountClients, Clients
from tokenry.service.one_time_passwords import OneTimePasswords
from tokenry.service.overview import Overviews
from tokenry.service.page_tokens import PageTokens
from tokenry.service.passkey_sign_in import PasskeySignIn
from tokenry.service.passkeys import Passkeys
from tokenry.service.passwords import Passwords
from tokenry.service.policy import Policies
from tokenry.service.policy_changes import PolicyChanges
from tokenry.service.profile import Profiles
from tokenry.service.proofs import Proofs
from tokenry.service.pruning import Pruning
from tokenry.service.pushed_requests import PushedRequests
from tokenry.service.registration import Registration, Registrations
from tokenry.service.revocation import Revocations
from tokenry.service.rotation import Rotations
from tokenry.service.second_steps import SecondSteps
from tokenry.service.service_accounts import ServiceAccounts
from tokenry.service.sessions import Sessions
from tokenry.service.shortening import Shortenings
from tokenry.service.telling import Telling
from tokenry.service.tokens import Tokens
from tokenry.service.transactions import Transactions
from tokenry.service.users import NO_RESERVATION, Users
from tokenry.service.watching import Watching
from tokenry.service.webhooks import Webhooks
from tokenry.storage.database import Database
from tokenry.storage.installation import claim_installation

FIRST_COMPANY = "tokenry"
FIRST_USERNAME = "admin"
FIRST_LABEL = "first token"
FIRST_START = Origin("first start")


class Others(NamedTuple):
    """How the service deals with other programs.

    Those who become OAuth clients that no administrator has made; where administrators may have webhooks; by whom mail
    goes out; and where the keys are by which GitHub signs leak reports.
    """

    registration: Registration = Registration.OFF
    documents: Documents = Documents.OFF
    webhooks: Networks = INTERNET
    mail: MailSettings | None = None
    leak_keys_url: str | None = None


NO_OTHERS = Others()


class Installation:
    """An installation that is set up: its database, its peppers, its catalogue, and the use cases on them.

    Nobody else can have the name of a user who was deleted or renamed for as long as `reservation`. Browsers reach it
    by `public_url`, if it is known. Page tokens are used from pages of the `allowed_origins`. New personal tokens are
    of `kind`.
    """

    def __init__(
        self,
        database: Database,
        peppers: Peppers,
        catalogue: Catalogue,
        now: Callable[[], datetime],
        reservation: timedelta = NO_RESERVATION,
        *,
        public_url: str | None = None,
        session_limits: SessionLimits = STANDARD_LIMITS,
        others: Others = NO_OTHERS,
        allowed_origins: frozenset[str] = frozenset(),
        kind: Kind = PERSONAL,
    ) -> None:
        self.database = database
        self.peppers = peppers
        self.catalogue = catalogue
        self.public_url = public_url
        self.own_addresses = api_addresses(public_url)
        self.transactions = transactions = Transactions(database, now, catalogue.implied)
        self.admission = Admission(transactions)
        self.apps = Apps(transactions)
        self.audit = Audit(transactions)
        self.proofs = Proofs(transactions)
        self.tokens = Tokens(transactions, peppers, catalogue, kind)
        self.details = TokenDetails(transactions)
        self.policies = Policies(transactions)
        self.policy_changes = PolicyChanges(transactions)
        self.shortenings = Shortenings(transactions, self.policies)
        self.rotations = Rotations(transactions, peppers, kind)
        self.leaks = Leaks(transactions, peppers)
        self.inventory = Inventory(transactions)
        self.activity = Activity(transactions, catalogue)
        self.overviews = Overviews(transactions)
        self.watching = Watching(transactions, catalogue)
        self.explanations = Explanations(transactions, peppers)
        self.revocations = Revocations(transactions, peppers)
        self.accounts = Accounts(transactions, reservation)
        self.users = Users(transactions, reservation)
        self.account_users = AccountUsers(transactions, reservation)
        self._add_management(allowed_origins, reservation)
        self.children = Children(transactions, self.tokens)
        self.profiles = Profiles(transactions)
        self._add_telling(others)
        self._add_sign_in(session_limits, reservation)
        self.pruning = Pruning(transactions)
        self._add_oauth(others)

    def _add_telling(self, others: Others) -> None:
        self.webhooks = Webhooks(self.transactions, self.peppers, others.webhooks)
        self.telling = Telling(self.transactions, self.peppers, others.webhooks)
        self.notices = Notices(self.transactions)
        self.leak_keys = LeakKeys(others.leak_keys_url, self.transactions.now)
        self.mailing = Mailing(self.transactions, others.mail, self.public_url)

    def _add_management(self, allowed_origins: frozenset[str], reservation: timedelta) -> None:
        transactions = self.transactions
        self.service_accounts = ServiceAccounts(transactions, self.tokens, self.catalogue, reservation)
        self.managed_users = ManagedUsers(transactions, reservation)
        self.managed_tokens = ManagedTokens(transactions, self.tokens, reservation)
        self.allowed_origins = allowed_origins
        self.page_tokens = PageTokens(transactions, self.peppers, allowed_origins)

    def _add_sign_in(self, limits: SessionLimits, reservation: timedelta) -> None:
        transactions, peppers, party = self.transactions, self.peppers, RelyingParty.of(self.public_url)
        self.sessions = sessions = Sessions(transactions, peppers, limits)
        self.passwords = Passwords(transactions, sessions)
        self.identities = Identities(transactions, sessions, reservation)
        self.links = Links(transactions, peppers, sessions)
        self.logins = Logins(transactions)
        self.factors = Factors(transactions, peppers, sessions)
        self.one_time_passwords = OneTimePasswords(transactions, peppers, sessions)
        self.second_steps = SecondSteps(transactions, peppers, sessions)
        self.passkeys = Passkeys(transactions, peppers, sessions, party)
        self.passkey_sign_in = PasskeySignIn(transactions, peppers, sessions, party)

    def _add_oauth(self, others: Others) -> None:
        transactions, peppers, catalogue = self.transactions, self.peppers, self.catalogue
        public_url, own = self.public_url, self.own_addresses
        self.account_clients = AccountClients(transactions, peppers)
        self.clients = Clients(transactions, peppers)
        self.registration = others.registration
        self.registrations = Registrations(transactions, peppers)
        self.documents = documents = others.documents
        self.client_documents = ClientDocuments(transactions, peppers, catalogue, documents)
        names = () if public_url is None else (public_url, f"{public_url}/oauth/token")
        self.client_authentication = ClientAuthentication(transactions, peppers, catalogue, names)
        self.client_credentials = ClientCredentials(transactions, peppers)
        self.token_exchange = TokenExchange(transactions, peppers)
        self.device_codes = DeviceCodes(transactions, peppers)
        self.client_revocations = ClientRevocations(transactions, peppers)
        self.refresh_tokens = RefreshTokens(transactions, peppers)
        self.authorization_codes = AuthorizationCodes(transactions, peppers)
        self.pushed_requests = PushedRequests(transactions, peppers, catalogue, own)
        self.authorizations = Authorizations(
            transactions, peppers, catalogue, self.pushed_requests, self.client_documents, own_addresses=own
        )

    @property
    def issuer(self) -> str:
        """The address of the service for browsers, without a slash at its end. Raises NoPublicUrl."""
        if self.public_url is None:
            raise NoPublicUrl
        return self.public_url


def begin_installation(
    transactions: Transactions, accounts: Accounts, tokens: Tokens, deliver: Callable[[Secret], None]
) -> Secret | None:
    """Make the account, its administrator and a token with scope `*`, unless there is an account; the token, or None.

    `deliver` is called before anything is final: if it raises, nothing was made, so no token is ever lost unseen.
    """
    with transactions.change(FIRST_START) as change:
        claim_installation(change.connection)
        admin = accounts.create_first(change, company=FIRST_COMPANY, admin_username=FIRST_USERNAME)
        if admin is None:
            return None
        new = NewToken(label=FIRST_LABEL)
        # A policy that was set before the first start does not concern this token: without it nothing could start.
        _, secret = tokens.issue(change, user_id=admin.id, limit=ALL, rules=NO_RULES, new=new)
        deliver(secret)
    return secret
