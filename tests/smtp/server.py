"""An SMTP server for tests: aiosmtpd, an implementation that is not ours.

Its only argument is a JSON object: `smtputf8`, `certificate` and `key` (STARTTLS, which is then demanded),
`wrapped` (TLS from the first byte), `user` and `password`, and `mode`: `take`, `later` (451 to each mail), `never`
(550 to each recipient) or `hang` (no answer to a mail). The first line that it prints is its port, each further one
a mail.
"""

import asyncio
import email.policy
import json
import ssl
import sys
from email.parser import BytesParser

from aiosmtpd.smtp import SMTP, AuthResult

CONFIG = json.loads(sys.argv[1])


def say(value):
    print(json.dumps(value), flush=True)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if CONFIG.get("mode") == "never":
            return f"550 no such user {address}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if CONFIG.get("mode") == "later":
            return f"451 try again later {envelope.rcpt_tos[0]}"
        if CONFIG.get("mode") == "hang":
            await asyncio.sleep(3600)
        raw = envelope.original_content
        mail = BytesParser(policy=email.policy.default).parsebytes(raw)
        parts = {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}
        say(
            {
                "from": envelope.mail_from,
                "to": envelope.rcpt_tos,
                "options": envelope.mail_options,
                "tls": session.ssl is not None or CONFIG.get("wrapped", False),
                "user": (session.auth_data or b"").decode() if session.authenticated else None,
                "hello": session.host_name,
                "headers": [[name, str(value)] for name, value in mail.items()],
                "ascii": raw.isascii(),
                "type": mail.get_content_type(),
                "text": parts["text/plain"],
                "html": parts["text/html"],
                "longest": max(len(line) for line in raw.split(b"\r\n")),
            }
        )
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    right = (data.login.decode(), data.password.decode()) == (CONFIG["user"], CONFIG["password"])
    return AuthResult(success=right, auth_data=data.login if right else None, handled=False)


async def serve():
    tls = None
    if CONFIG.get("certificate"):
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(CONFIG["certificate"], CONFIG["key"])
    wrapped = CONFIG.get("wrapped", False)
    needs_user = bool(CONFIG.get("user"))

    def protocol():
        return SMTP(
            Handler(),
            enable_SMTPUTF8=CONFIG.get("smtputf8", False),
            decode_data=False,
            tls_context=None if wrapped else tls,
            require_starttls=tls is not None and not wrapped,
            auth_required=needs_user,
            auth_require_tls=not wrapped,
            authenticator=authenticate if needs_user else None,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls if wrapped else None)
    say({"port": server.sockets[0].getsockname()[1]})
    await server.serve_forever()


asyncio.run(serve())
