"""Keeps the accounts of the simulated project: users, their sessions, and OAuth2 tokens; no I/O.

In: who signs in, or which refresh token is used, and the time in seconds. Out: tokens, or `Refused` with the error code
of the service. As in the live service, a refresh token is valid until its user is disabled, deleted or revoked; an ID
token stays valid until it expires, whatever happens to its user. Not documented, so chosen here: an ID token is valid
up to a second longer than its lifetime (never shorter), and a refresh token that rotation has ended is TOKEN_EXPIRED.

Nothing here survives a restart.
"""

from __future__ import annotations

import json
import math
import secrets
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, TypeVar

from cryptography.hazmat.primitives.asymmetric import rsa

from flamelet_tools.simulator.accounts import tokens

API_KEY = "demo-api-key"
PROJECT_NUMBER = "123456789012"
ISSUER = "https://securetoken.google.com/"
TOKEN_SECONDS = 3600
_SCOPES = "https://www.googleapis.com/auth/"
DATABASE_SCOPES = (_SCOPES + "firebase.database", _SCOPES + "userinfo.email")
LOGIN_SCOPES = (_SCOPES + "cloud-platform", *DATABASE_SCOPES)
MAX_CLAIMS_LETTERS = 1000
_SHORTEST_PASSWORD = 6
# Enough for every test; limited so that a simulator can run for weeks.
_MAX_TOKENS = 100_000
_RESERVED_CLAIMS = frozenset(
    (
        "acr",
        "amr",
        "at_hash",
        "aud",
        "auth_time",
        "azp",
        "cnf",
        "c_hash",
        "exp",
        "firebase",
        "iat",
        "iss",
        "jti",
        "nbf",
        "nonce",
        "sub",
        "user_id",
    )
)

Rotation = Literal["keep", "end"] | None
T = TypeVar("T")


class Refused(Exception):
    """The request for this account is refused; the message is the error code of the service."""


class Tokens(NamedTuple):
    """The result of a sign-in or a refresh; the ID token expires at `expires_at`."""

    id_token: str
    refresh_token: str
    expires_at: int


class Refreshes(NamedTuple):
    """How often Secure Token was asked for an ID token, and how often it granted one."""

    asked: int
    granted: int


@dataclass(eq=False)
class User:
    """One account; `claims` are in each of its ID tokens."""

    uid: str
    email: str = ""
    password: str = field(default="", repr=False)
    claims: dict[str, Any] = field(default_factory=dict)
    is_custom: bool = False
    is_disabled: bool = False
    created: float = 0
    signed_in: float = 0
    refreshed: float = 0
    valid_since: float = 0


@dataclass
class Session:
    """What a refresh token belongs to: the user, how and when they signed in, and with which claims."""

    user: User
    provider: str
    claims: dict[str, Any]
    since: float
    is_ended: bool = False


class Access(NamedTuple):
    """What an OAuth2 access token grants."""

    scopes: frozenset[str]
    expires: float


class ServiceAccount(NamedTuple):
    """A service account, as the services know it."""

    email: str
    public: rsa.RSAPublicKey

    @property
    def id(self) -> str:
        """Its number, which stands for it as a client of OAuth2."""
        return str(int.from_bytes(self.email.encode(), "big") % 10**21).zfill(21)


class AuthorizedUser(NamedTuple):
    """The account behind gcloud's application-default credentials."""

    client_id: str
    client_secret: str
    scopes: frozenset[str]


@dataclass
class Accounts:
    """All accounts of one simulator.

    `strict` refuses tokens that this simulator did not issue. `rotation` is what a refresh does to the refresh token:
    None returns the same one, "keep" returns a new one and keeps the old one valid, "end" returns a new one and ends
    the old one.
    """

    project: str = "demo"
    api_key: str = API_KEY
    token_seconds: int = TOKEN_SECONDS
    strict: bool = False
    rotation: Rotation = None
    users: dict[str, User] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    access_tokens: dict[str, Access] = field(default_factory=dict)
    service_accounts: dict[str, ServiceAccount] = field(default_factory=dict)
    authorized_users: dict[str, AuthorizedUser] = field(default_factory=dict)
    asked: int = 0
    granted: int = 0

    def add_user(
        self, now: float, uid: str = "", email: str = "", password: str = "", claims: dict[str, Any] | None = None
    ) -> User:
        """Make an account; an e-mail address needs a password. Raises: Refused."""
        check_claims(claims or {})
        email = email.lower()
        if email:
            _check_email(email, password)
        if email and self.user_by_email(email):
            raise Refused("EMAIL_EXISTS")
        uid = uid or secrets.token_urlsafe(21)
        if uid in self.users:
            raise Refused("DUPLICATE_LOCAL_ID")
        self.users[uid] = User(uid, email, password, claims or {}, created=now)
        return self.users[uid]

    def user(self, uid: str) -> User:
        """Return the user with this uid. Raises: Refused."""
        if uid not in self.users:
            raise Refused("USER_NOT_FOUND")
        return self.users[uid]

    def user_by_email(self, email: str) -> User | None:
        """Return the user with this e-mail address, or None if there is none."""
        return next((user for user in self.users.values() if user.email == email.lower()), None) if email else None

    def sign_in(self, user: User, provider: str, claims: dict[str, Any], now: float) -> Tokens:
        """Begin a session. Raises: Refused for a disabled account."""
        if user.is_disabled:
            raise Refused("USER_DISABLED")
        user.signed_in = user.refreshed = now
        session = Session(user, provider, claims, now)
        return self._tokens(session, self._keep(self.sessions, session), now)

    def sign_in_as(self, uid: str, claims: dict[str, Any], now: float) -> Tokens:
        """Begin a session as a custom token does, and make the account if there is none. Raises: Refused."""
        check_claims(claims)
        user = self.users.get(uid) or self.add_user(now, uid)
        user.is_custom = True
        return self.sign_in(user, "custom", claims, now)

    def refresh(self, refresh_token: str, now: float) -> tuple[Tokens, User]:
        """Return a new ID token for a refresh token. Raises: Refused."""
        session = self.sessions.get(refresh_token)
        if session is None:
            raise Refused("INVALID_REFRESH_TOKEN")
        user = session.user
        if self.users.get(user.uid) is not user:
            raise Refused("USER_NOT_FOUND")
        if user.is_disabled:
            raise Refused("USER_DISABLED")
        if session.is_ended or session.since < user.valid_since:
            raise Refused("TOKEN_EXPIRED")
        if self.rotation:
            refresh_token = self._keep(self.sessions, replace(session))
            session.is_ended = self.rotation == "end"
        user.refreshed = now
        return self._tokens(session, refresh_token, now), user

    def verified(self, id_token: str) -> dict[str, Any] | None:
        """Return the claims of an ID token that was signed here for this project, even if it has expired, else None."""
        jwt = tokens.parse(id_token)
        key = tokens.signing_key()
        if jwt is None or not tokens.is_signed(id_token, key.private.public_key()):
            return None
        claims = jwt[1]
        right = claims.get("aud") == self.project and claims.get("iss") == ISSUER + self.project
        return claims if right else None

    def grant(self, scopes: frozenset[str], now: float, seconds: float | None = None) -> tuple[str, Access]:
        """Return a new OAuth2 access token with these scopes."""
        access = Access(scopes, now + (self.token_seconds if seconds is None else seconds))
        return self._keep(self.access_tokens, access, "ya29."), access

    def trust(self, account: ServiceAccount) -> None:
        """Make this service account, or replace its key."""
        self.service_accounts[account.email] = account

    def log_in(self, scopes: frozenset[str]) -> tuple[str, AuthorizedUser]:
        """Return the refresh token of a user who allows gcloud these scopes."""
        client_id = f"{PROJECT_NUMBER}-{secrets.token_hex(16)}.apps.googleusercontent.com"
        user = AuthorizedUser(client_id, secrets.token_urlsafe(18), scopes)
        return self._keep(self.authorized_users, user, "1//0"), user

    def delete(self, user: User) -> None:
        """Delete this account."""
        del self.users[user.uid]

    def _tokens(self, session: Session, refresh_token: str, now: float) -> Tokens:
        claims = self._claims(session, now)
        return Tokens(tokens.sign(claims, tokens.signing_key()), refresh_token, claims["exp"])

    def _claims(self, session: Session, now: float) -> dict[str, Any]:
        user, provider = session.user, session.provider
        claims: dict[str, Any] = {**user.claims, **session.claims}
        if provider == "anonymous":
            claims["provider_id"] = provider
        if user.email:
            claims |= {"email": user.email, "email_verified": False}
        return claims | {
            "iss": ISSUER + self.project,
            "aud": self.project,
            "auth_time": int(session.since),
            "user_id": user.uid,
            "sub": user.uid,
            "iat": int(now),
            "exp": math.ceil(now + self.token_seconds),
            "firebase": {
                "identities": {"email": [user.email]} if user.email else {},
                "sign_in_provider": provider,
            },
        }

    def _keep(self, kept: dict[str, T], what: T, beginning: str = "") -> str:
        text = beginning + secrets.token_urlsafe(96)
        kept[text] = what
        if len(kept) > _MAX_TOKENS:
            del kept[next(iter(kept))]
        return text


def check_claims(claims: dict[str, Any]) -> None:
    """Refuse claims that a custom token may not have. Raises: Refused."""
    forbidden = sorted(_RESERVED_CLAIMS & claims.keys())
    if forbidden:
        raise Refused(f"FORBIDDEN_CLAIM : {forbidden[0]}")
    if len(json.dumps(claims, separators=(",", ":"))) > MAX_CLAIMS_LETTERS:
        raise Refused("CLAIMS_TOO_LARGE")


def _check_email(email: str, password: str) -> None:
    name, _, host = email.partition("@")
    if not name or not host or "@" in host or any(letter.isspace() for letter in email):
        raise Refused("INVALID_EMAIL")
    if len(password) < _SHORTEST_PASSWORD:
        raise Refused(f"WEAK_PASSWORD : Password should be at least {_SHORTEST_PASSWORD} characters")
