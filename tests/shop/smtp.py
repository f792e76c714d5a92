"""A mail server on loopback, that can be told to refuse, to be silent, and to do something before it answers."""

import threading
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from socketserver import StreamRequestHandler, ThreadingTCPServer


class Conversation(StreamRequestHandler):
    """SMTP as far as Django speaks it (RFC 5321)."""

    server: "MailServer"

    def handle(self) -> None:
        self.say("220 ready")
        while line := self.rfile.readline():
            word = line.split()[0].decode().upper().partition(":")[0]
            answer = self.server.answers.get(word)
            if word == "DATA" and answer is None:
                self.say("354 go on")
                text = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.server.take(text)
                answer = self.server.answers.get(".")
            self.say(answer or "250 ok")
            if word == "QUIT":
                return

    def say(self, answer: str) -> None:
        self.wfile.write(f"{answer}\r\n".encode())


class MailServer(ThreadingTCPServer):
    """``taken`` is what was sent; ``answers`` are what is said to a word (RCPT, DATA, ".") in place of 250."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Conversation)
        self.port = self.server_address[1]
        self.taken: list[EmailMessage] = []
        self.answers: dict[str, str] = {}
        self.before_250: Callable[[], None] = lambda: None

    def take(self, text: bytes) -> None:
        self.taken.append(message_from_bytes(text, policy=policy.default))  # type: ignore[arg-type]
        self.before_250()

    def start(self) -> "MailServer":
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
