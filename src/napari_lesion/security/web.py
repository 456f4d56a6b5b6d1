"""Who may look at a page: by a bearer token, which stands for a role."""

from __future__ import annotations

import hmac

from napari_lesion.security import settings
from napari_lesion.security.audit import Action, record
from napari_lesion.security.roles import May, Role, allows

OK, UNKNOWN, FORBIDDEN = 200, 401, 403
"""Statuses of HTTP."""
_BEARER = "Bearer "


class Guard:
    """Knows the tokens, as the settings have them when it is made.

    Raises
    ------
    ConfigError
        If a token cannot be fetched, or others may read its file.
    """

    def __init__(self) -> None:
        tokens = settings.load_settings().web.tokens
        self._tokens = {Role(role): secret.reveal() for role, secret in tokens.items()}

    def status(self, authorization: str, what: May | None = None, token: str = "") -> int:
        """Whether a page is shown.

        Parameters
        ----------
        authorization : str
            The header of that name.
        what : May, optional
            What the role of the token must allow; by default any will do.
        token : str
            Of the address, for browsers.

        Returns
        -------
        int
            200, 401 (no token, or one that nobody has) or 403 (its role may not).
        """
        if not self._tokens:
            return OK
        said = (authorization.removeprefix(_BEARER) if authorization.startswith(_BEARER) else token).encode()
        fits = [
            role
            for role, secret in self._tokens.items()
            if hmac.compare_digest(said, secret.get_secret_value().encode())
        ]
        if not fits:
            return UNKNOWN
        if what is not None and not any(allows(role, what) for role in fits):
            record(Action.REFUSE, detail=f"the token of a {fits[0]} may not {what}", failed=True)
            return FORBIDDEN
        return OK
