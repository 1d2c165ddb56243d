"""The engine's REST API against its own OpenAPI document, by Schemathesis: no 5xx, no undocumented status, no body that
the schema does not allow, whatever is sent.

1. Everything in the document, with ids that mostly do not exist.
2. The conversation of a live leg, so that answers have something in them.

Usage: schemathesis.py PATH_OF_SYMBL_BRIDGE [examples per operation]
"""

import base64
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request

APP_ID = "a" * 64
APP_SECRET = "s" * 64
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
# Together far below it on two cores; a run that hangs is ended.
DEADLINE_SECONDS = 600
PATIENCE_SECONDS = 30


class Engine:
    """An engine on a free port, ended when the block ends."""

    def __init__(self, binary, directory):
        self.binary = os.path.abspath(binary)
        self.directory = directory

    def __enter__(self):
        settings = {
            "SYMBL_APP_ID": APP_ID,
            "SYMBL_APP_SECRET": APP_SECRET,
            "BRIDGE__HTTP__PORT": "0",
            # Nobody speaks here: no model is wanted, and none is there to be installed.
            "BRIDGE__MODEL__NAME": os.path.join(self.directory, "no-model"),
            "BRIDGE__MODEL__MEANING": "false",
            "BRIDGE__STORE__DIR": "memory",
            "HOME": self.directory,
            "LOG_FORMAT": "json",
            "RUST_LOG": "info",
        }
        self.process = subprocess.Popen(
            [self.binary, "engine"],
            env=settings,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.watchdog = threading.Timer(DEADLINE_SECONDS, self.process.kill)
        self.watchdog.daemon = True
        self.watchdog.start()
        self.lines = []
        for line in self.process.stderr:
            self.lines.append(line)
            # Whatever is no event is for people.
            event = json.loads(line) if line.startswith("{") else {}
            if event.get("event") == "server_listening":
                self.address = event["address"]
                # Somebody has to read on, or the engine waits for room in the pipe.
                self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stderr), daemon=True)
                self.reader.start()
                return self
        self.watchdog.cancel()
        raise SystemExit("the engine ended instead of listening:\n" + "".join(self.lines))

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait()
        self.watchdog.cancel()
        if code != 0:
            raise SystemExit(f"the engine ended with {code}:\n" + "".join(self.lines[-20:]))

    def token(self):
        body = json.dumps({"type": "application", "appId": APP_ID, "appSecret": APP_SECRET}).encode()
        request = urllib.request.Request(f"http://{self.address}/oauth2/token:generate", body)
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return json.load(answer)["accessToken"]

    def knows(self, conversation_id, token):
        url = f"http://{self.address}/v1/conversations/{conversation_id}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS):
                return True
        except urllib.error.HTTPError as error:
            assert error.code == 404, error
            return False


class Leg:
    """A leg of the Streaming API, as little WebSocket as it takes."""

    def __init__(self, address, token):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), PATIENCE_SECONDS)
        key = base64.b64encode(os.urandom(16)).decode()
        head = (
            f"GET /v1/streaming/schemathesis?access_token={token} HTTP/1.1\r\nHost: {address}\r\n"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        )
        self.socket.sendall(head.encode())
        self.file = self.socket.makefile("rb")
        status = self.file.readline()
        assert b" 101 " in status, status
        while self.file.readline().strip():
            pass

    def start(self):
        """Returns the id of the conversation."""
        request = {"type": "start_request", "speaker": {"userId": "agent@example.com", "name": "Agent"}}
        text = json.dumps(request).encode()
        # A mask of zeros is a mask.
        self.socket.sendall(b"\x81" + struct.pack("!BH", 0xFE, len(text)) + bytes(4) + text)
        while True:
            message = json.loads(self.read()).get("message")
            if isinstance(message, dict) and message.get("type") == "conversation_created":
                return message["data"]["conversationId"]

    def read(self):
        _, length = self.file.read(2)
        if length == 126:
            (length,) = struct.unpack("!H", self.file.read(2))
        return self.file.read(length)


def schemathesis(directory, address, token, examples, *more):
    command = [sys.executable, "-m", "schemathesis.cli", *more, "run", f"http://{address}/openapi.json"]
    command += ["--checks", CHECKS, "--header", f"Authorization: Bearer {token}", "--max-examples", examples]
    # One worker: CPython 3.11 counts the depth of syntax trees for all threads together, and Hypothesis, which reads the
    # source of its lambdas, then fails now and then with "AST constructor recursion depth mismatch".
    command += ["--phases", "examples,coverage,fuzzing", "--workers", "1", "--generation-database", "none"]
    command += ["--seed", "1", "--request-timeout", str(PATIENCE_SECONDS), "--no-color", "--warnings", "off"]
    done = subprocess.run(command, cwd=directory, stdin=subprocess.DEVNULL, timeout=DEADLINE_SECONDS)
    return done.returncode


def main():
    examples = sys.argv[2] if len(sys.argv) > 2 else "20"
    with tempfile.TemporaryDirectory() as directory, Engine(sys.argv[1], directory) as engine:
        token = engine.token()
        code = schemathesis(directory, engine.address, token, examples)
        conversation_id = Leg(engine.address, token).start()
        assert engine.knows(conversation_id, token), "the store does not know the conversation of a live leg"
        configuration = os.path.join(directory, "one-conversation.toml")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(f'[parameters]\n"path.conversationId" = "{conversation_id}"\n')
            file.write('[[operations]]\ninclude-operation-id = "deleteConversation"\nenabled = false\n')
        code = schemathesis(directory, engine.address, token, examples, "--config-file", configuration) or code
    sys.exit(code)


if __name__ == "__main__":
    main()
