"""The page as an ASGI application: its routes, sessions, forms and responses."""

from __future__ import annotations

import asyncio
import json
import logging
import weakref
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import quote

from markupsafe import Markup

from batchcompute.service.requests import BadTarget, Response
from batchcompute.service.transports import bodies
from batchcompute.service.transports.exchange import exchange_of
from batchcompute.service.web import logs, responses
from batchcompute.service.web.api import OwnerApi, PageError
from batchcompute.service.web.events import Hub, TooManyStreams, TopicKey, log_event, send_log
from batchcompute.service.web.limits import TooManyLogins
from batchcompute.service.web.rendering import render
from batchcompute.service.web.requests import MOST_FORM_BYTES, Fragment, PageRequest, ViewRequest, form_of
from batchcompute.service.web.routes import download_url, find_action, find_log, find_view
from batchcompute.service.web.sessions import LoginFailed, Session, Sessions
from batchcompute.service.web.views.instances import log_url

if TYPE_CHECKING:
    from batchcompute.service.local_service import LocalService
    from batchcompute.service.transports.exchange import Receive, Scope, Send

__all__ = ["Page"]

_log = logging.getLogger("batchcompute.service.web")

Headers: TypeAlias = dict[str, str]

_DONE: Final = {
    "stop": "The job is stopped.",
    "start": "The job starts again.",
    "delete": "The job is deleted.",
}
"""The sentence of the page after an action."""

_EXPIRED: Final = "You are not logged in any more, so nothing was done. Log in, and repeat it."
"""The sentence of the page if a login ends before an action."""


_sessions: weakref.WeakKeyDictionary[LocalService, Sessions] = weakref.WeakKeyDictionary()
"""The sessions of each service."""


class Page:
    """Answers requests of browsers.

    Args:
        service: The service.
    """

    def __init__(self, service: LocalService) -> None:
        self._service = service
        # Several applications can serve one service. A code that one of them has used is used for all.
        self._sessions = _sessions.setdefault(service, Sessions(service.identity, service._parts.keys.find))
        self._hubs: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = weakref.WeakKeyDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        exchange = exchange_of(scope)
        session: Session | None = None
        try:
            if exchange.problem:
                raise PageError(400, exchange.problem)
            request = PageRequest.of(exchange, scope)
            session = self._sessions.read(request.cookie(self._sessions.cookie_name(request.secure)))
            if request.method == "POST":
                form = form_of(await _body(receive))
                response = await asyncio.to_thread(self._post, request, session, form)
            elif request.method not in ("GET", "HEAD"):
                raise PageError(405, "The page knows GET and POST.")
            elif (
                session is not None
                and request.method == "GET"
                and await self._streams(request, session, scope, receive, send)
            ):
                return
            else:
                response = await asyncio.to_thread(self._get, request, session)
        except PageError as error:
            response = self._problem(error, session)
        except BadTarget as error:
            response = self._problem(PageError(400, f"The address is malformed: {error}."), session)
        except TooManyLogins as error:
            response = self._problem(PageError(429, str(error)), session, {"Retry-After": str(error.seconds)})
        except TooManyStreams:
            text = "Too many pages are open at this moment."
            response = self._problem(PageError(503, text), session, {"Retry-After": "10"})
        except (bodies.Disconnected, asyncio.CancelledError):
            raise
        except Exception as error:
            if exchange.response_started:
                raise
            # The exchange logs it.
            status = exchange.response_to(error).status
            text = "The machine of the service has no room for this at this moment. Try again later."
            text = text if status == 503 else "The service failed; its log says why."
            response = self._problem(PageError(status, text), session)
        if exchange.request.method == "HEAD":
            response = Response(response.status, response.headers)
        await exchange.respond(response, send)

    # -- reading ------------------------------------------------------------------------------

    def _get(self, request: PageRequest, session: Session | None) -> Response:
        path = request.path
        if path.startswith("/-/static/"):
            return responses.static(path.removeprefix("/-/static/"))
        if path == "/-/open":
            return self._open(request)
        if path == "/-/login":
            return self._login_form(request, session)
        log = find_log(path)
        if session is None and (log is not None or path == "/-/events"):
            # The script of the page reads the status.
            return responses.response(401, "text/plain; charset=utf-8", b"Log in again.")
        if session is None:
            return responses.redirect(f"/-/login?next={quote(request.target, safe='')}")
        api = OwnerApi(self._service, session.owner)
        download = download_url(path, request.query)
        if download is not None:
            return responses.download(api, download(api))
        if log is not None:
            return self._log_piece(api, log[0], request)
        return self._view(request, session, api)

    def _view(self, request: PageRequest, session: Session, api: OwnerApi) -> Response:
        view, names = find_view(request.path)
        shown = view(ViewRequest(api, names, request.query))
        fragment = shown.fragment()
        below = render(shown.below, **shown.content) if shown.below else Markup("")
        notice = _DONE.get(request.query.get("done", ""), "")
        events = f"/-/events?view={quote(request.target, safe='')}" if shown.live else ""
        return self._framed(
            200, shown.title, shown.section, session, fragment, below=below, notice=notice, events=events
        )

    def _framed(
        self,
        status: int,
        title: str,
        section: str,
        session: Session | None,
        fragment: Fragment,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> Response:
        token = self._sessions.token(session) if session else ""
        owner = session.owner if session else ""
        values = {"below": "", "notice": "", "events": "", "refresh": "", **content}
        html = render(
            "frame.html", title=title, section=section, owner=owner, token=token, fragment=fragment, **values
        )
        return responses.html(status, html, headers)

    def _problem(
        self, error: PageError, session: Session | None, headers: Mapping[str, str] | None = None
    ) -> Response:
        fragment = Fragment(render("problem.html", status=error.status, message=error.message), "")
        return self._framed(error.status, "Problem", "", session, fragment, headers)

    def _log_piece(self, api: OwnerApi, names: Mapping[str, str], request: PageRequest) -> Response:
        object_url = log_url(api, names, request.query.get("stream", "stdout"))
        at, end = request.query.get("at", ""), request.query.get("end", "")
        if end.isdecimal() and len(end) < 16:
            piece = logs.before(api, object_url, int(end))
        elif at.isdecimal() and len(at) < 16:
            piece = logs.part(api, object_url, int(at), request.query.get("style", ""))
        else:
            piece = logs.tail(api, object_url)
        return responses.response(200, "application/json", json.dumps(piece.content()).encode("utf-8"))

    # -- streams ------------------------------------------------------------------------------

    async def _streams(
        self, request: PageRequest, session: Session, scope: Scope, receive: Receive, send: Send
    ) -> bool:
        """Send a stream of events, if the request is for one; return whether it was."""
        log = find_log(request.path)
        if request.path != "/-/events" and (log is None or log[1] != "follow"):
            return False
        hub = self._hubs.setdefault(asyncio.get_running_loop(), Hub(self._service, self._load))
        version = request.headers.get("last-event-id") or request.query.get("since", "")
        target = request.query.get("view", "")
        follower = None
        if log is not None:
            follower = await asyncio.to_thread(self._follower, session, log[0], request, version)
        else:
            # A page that does not exist is refused before the stream begins.
            find_view(target.partition("?")[0])
        hub.opened()
        exchange_of(scope).response_started = True
        try:
            start = {
                "type": "http.response.start",
                "status": 200,
                "headers": responses.encoded(responses.STREAM),
            }
            await send(start)
            if follower is not None:
                await send_log(follower, hub, receive, send)
            else:
                is_valid = partial(self._sessions.is_valid, session)
                await hub.send_page((session.owner, target), version, is_valid, receive, send)
            await send({"type": "http.response.body", "body": b""})
        finally:
            hub.closed()
        return True

    def _load(self, key: TopicKey) -> Fragment:
        """Return the HTML of a page for its streams.

        Raises:
            PageError: The page cannot be shown any more.
        """
        owner, target = key
        request = PageRequest("GET", target.partition("?")[0], _query(target), target, {}, "", False)
        view, names = find_view(request.path)
        try:
            return view(
                ViewRequest(OwnerApi(self._service, owner), names, request.query, is_update=True)
            ).fragment()
        except PageError:
            raise
        except Exception:  # noqa: BLE001 - the stream ends with a message
            _log.exception("a page cannot be shown: %s", request.path)
            raise PageError(500, "The service failed; its log says why.") from None

    def _follower(
        self, session: Session, names: Mapping[str, str], request: PageRequest, position: str
    ) -> Callable[[], bytes | None]:
        """Return a function that returns what is new in a log since its last call."""
        api = OwnerApi(self._service, session.owner)
        object_url = log_url(api, names, request.query.get("stream", "stdout"))
        number, _, style = position.partition(" ")
        follower = logs.Follower(
            api,
            object_url,
            ("jobs", names["job"], "tasks", names["task"], "instances", names["instance"]),
            int(number) if number.isdecimal() and len(number) < 16 else 0,
            style,
        )

        def next_event() -> bytes | None:
            if not self._sessions.is_valid(session):
                return None
            piece = follower.next()
            if piece is None:
                return None if follower.ended else b""
            return log_event(f"{piece.next} {piece.style}".strip(), piece.content())

        return next_event

    # -- forms --------------------------------------------------------------------------------

    def _post(self, request: PageRequest, session: Session | None, form: Mapping[str, str]) -> Response:
        if not request.is_same_origin():
            raise PageError(403, "This form was posted by another site.")
        if request.path == "/-/login":
            return self._login(request, form)
        if session is None and request.path == "/-/logout":
            return responses.redirect("/-/login")
        if session is None:
            return self._login_page(403, _origin_of(request.path), "", _EXPIRED)
        if not self._sessions.is_token(session, form.get("token", "")):
            raise PageError(
                403, "This form belongs to another login. Load the page again, and repeat what you did."
            )
        if request.path == "/-/logout":
            self._sessions.end(session)
            return responses.redirect("/-/login", {"Set-Cookie": self._sessions.no_cookie(request.secure)})
        job_id, action = find_action(request.path)
        api = OwnerApi(self._service, session.owner)
        if action == "delete":
            api.call("DELETE", "jobs", job_id)
            return responses.redirect("/?done=delete")
        api.call("POST", "jobs", job_id, action)
        return responses.redirect(f"/-/jobs/{quote(job_id, safe='')}?done={action}")

    def _login(self, request: PageRequest, form: Mapping[str, str]) -> Response:
        access_key_id, target = form.get("id", "").strip(), _own_target(form.get("next", ""))
        try:
            session = self._sessions.login(access_key_id, form.get("secret", "").strip(), request.address)
        except LoginFailed as error:
            return self._login_page(403, target, access_key_id[:100], str(error))
        except TooManyLogins as error:
            headers = {"Retry-After": str(error.seconds)}
            return self._login_page(429, target, access_key_id[:100], str(error), headers)
        return responses.redirect(target, {"Set-Cookie": self._sessions.cookie(session, request.secure)})

    def _open(self, request: PageRequest) -> Response:
        try:
            session = self._sessions.redeem(request.query.get("code", ""), request.address)
        except LoginFailed as error:
            return self._login_page(403, "/", "", str(error))
        # A redirect would come from where the link was, and the browser would send no cookie to its target.
        cookie = {"Set-Cookie": self._sessions.cookie(session, request.secure)}
        return self._framed(
            200, "Logged in", "", None, Fragment(render("opened.html"), ""), cookie, refresh="/"
        )

    def _login_form(self, request: PageRequest, session: Session | None) -> Response:
        target = _own_target(request.query.get("next", ""))
        return responses.redirect(target) if session else self._login_page(200, target)

    def _login_page(
        self,
        status: int,
        target: str,
        access_key_id: str = "",
        message: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        html = render("login.html", target=target, access_key_id=access_key_id, message=message)
        return self._framed(status, "Log in", "", None, Fragment(html, ""), headers)


def _query(target: str) -> dict[str, str]:
    from batchcompute.service.requests import query_of

    try:
        return query_of(target)
    except BadTarget as error:
        raise PageError(400, f"The address is malformed: {error}.") from None


async def _body(receive: Receive) -> bytes:
    try:
        return await bodies.read(receive, MOST_FORM_BYTES)
    except bodies.TooLarge:
        raise PageError(413, f"A form has at most {MOST_FORM_BYTES} bytes.") from None


def _origin_of(path: str) -> str:
    """Return the page of the form that posts to a path."""
    try:
        job_id, _ = find_action(path)
    except (PageError, BadTarget):
        return "/"
    return f"/-/jobs/{quote(job_id, safe='')}"


def _own_target(target: str) -> str:
    """Return a target if it is one of the page; else the first page."""
    is_own = (
        target.startswith(("/?", "/-/")) and "\\" not in target and target.isascii() and target.isprintable()
    )
    return target if is_own and not target.startswith("/-/log") else "/"
