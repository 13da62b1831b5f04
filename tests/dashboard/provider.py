"""An OpenID Connect provider that lets everybody in who comes, played on loopback: code flow, signed tokens."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode

from joserfc import jwt
from joserfc.jwk import RSAKey

from played import Handler, played

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CLIENT = "driftline"
SECRET = "told to the dashboard alone"


@dataclass
class Provider:
    """What it knows.

    Attributes:
        user: claims of who logs in.
        codes: code -> nonce and address, of logins under way.
    """

    user: dict[str, Any]
    url: str = ""
    codes: dict[str, tuple[str, str]] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser is sent back to."""
        assert asked["client_id"] == CLIENT
        assert asked["response_type"] == "code"
        code = f"code-{len(self.codes)}"
        self.codes[code] = (asked["nonce"], asked["redirect_uri"])
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, asked: dict[str, str]) -> dict[str, Any]:
        """What the dashboard gets for a code, once."""
        nonce, address = self.codes.pop(asked["code"])
        assert asked["redirect_uri"] == address
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "sub": "1", "iat": now, "exp": now + 600, "nonce": nonce, **self.user}
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)
        return {"access_token": "opaque", "token_type": "Bearer", "expires_in": 600, "id_token": signed}


@contextmanager
def provider(**user: Any) -> Iterator[Provider]:
    """Play it for the time of the block; ``user`` are the claims of whoever logs in."""
    state = Provider(user)

    def answer(handler: Handler) -> None:
        path, _, query = handler.path.partition("?")
        if path == "/authorize":
            handler.send(302, Location=state.authorize(_single(query)))
            return
        known: dict[str, Callable[[], dict[str, Any]]] = {
            "/.well-known/openid-configuration": state.metadata,
            "/keys": lambda: {"keys": [state.key.as_dict(private=False)]},
            "/token": lambda: state.token(_single(handler.body().decode())),
        }
        handler.send(200, json.dumps(known[path]()).encode(), content_type="application/json")

    with played(answer) as state.url:
        yield state


def _single(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}
