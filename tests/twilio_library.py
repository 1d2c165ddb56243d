"""The bridge against Twilio's own helper library.

1. The library signs the webhook request; the bridge answers it.
2. The library rebuilds the answered TwiML, verb by verb and attribute by attribute; the two documents are equal.
   An attribute that the library does not know is an error here.
3. The library verifies the signatures that `symbl-bridge call` puts on its webhooks and its socket.

Usage: twilio_library.py PATH_OF_SYMBL_BRIDGE
"""

import base64
import hashlib
import http.client
import http.server
import inspect
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.parse
import xml.etree.ElementTree as ET

from twilio.request_validator import RequestValidator
from twilio.twiml.voice_response import VoiceResponse

DOMAIN = "bridge.example.com"
AUTH_TOKEN = "0123456789abcdef0123456789abcdef"
DEADLINE_SECONDS = 30
BRIDGE = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else ""

# As Twilio sends it: empty values, specials, a caller who is no number.
CALL = {
    "AccountSid": "ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1",
    "ApiVersion": "2010-04-01",
    "CallSid": "CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2",
    "CallStatus": "ringing",
    "CalledCity": "",
    "CallerName": "Zoë & Söhne <+> 'Co' = 100%",
    "Direction": "inbound",
    "From": "sip:a&b<c>\"d'@pbx.example.com;transport=tls",
    "To": "+14155550100",
}


class Bridge:
    """A bridge on a free port, ended when the block ends."""

    def __init__(self, **settings):
        self.settings = {
            "SYMBL_APP_ID": "app",
            "SYMBL_APP_SECRET": "secret",
            "SYMBL_API_BASE_URL": "http://127.0.0.1:9",
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
            "WEBHOOK_DOMAIN": DOMAIN,
            "BRIDGE__HTTP__PORT": "0",
            "LOG_FORMAT": "json",
            "RUST_LOG": "info",
            **settings,
        }

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(
            [BRIDGE, "serve"],
            env=self.settings,
            cwd=self.directory.name,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.watchdog = threading.Timer(DEADLINE_SECONDS, self.process.kill)
        self.watchdog.start()
        for line in self.process.stderr:
            event = json.loads(line)
            if event["event"] == "server_listening":
                self.address = event["address"]
                return self
        self.__exit__()
        raise AssertionError("the bridge ended instead of listening")

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.stderr.read()
        self.process.stderr.close()
        code = self.process.wait()
        self.watchdog.cancel()
        self.directory.cleanup()
        assert code == 0, f"the bridge ended with {code}"

    def post(self, target, parameters):
        """Posts a form, signed by Twilio's library for the public address."""
        signature = RequestValidator(AUTH_TOKEN).compute_signature(f"https://{DOMAIN}{target}", parameters)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "X-Twilio-Signature": signature,
        }
        connection = http.client.HTTPConnection(self.address, timeout=DEADLINE_SECONDS)
        connection.request("POST", target, urllib.parse.urlencode(parameters), headers)
        answer = connection.getresponse()
        body = answer.read().decode("utf-8")
        connection.close()
        return answer, body


def rebuild(element, parent):
    """Lets the library build a copy of `element` under its own `parent`."""
    build = getattr(parent, element.tag.lower(), None)
    assert build, f"<{element.tag}> is unknown to Twilio's library inside {type(parent).__name__}"
    named = {
        name
        for name, parameter in inspect.signature(build).parameters.items()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    }
    attributes = {re.sub(r"[A-Z]", lambda found: "_" + found[0].lower(), k): v for k, v in element.attrib.items()}
    unknown = attributes.keys() - named
    assert not unknown, f"<{element.tag}> has {unknown}, unknown to Twilio's library"
    text = [element.text] if element.text and element.text.strip() else []
    copy = build(*text, **attributes)
    for child in element:
        rebuild(child, copy)


def canonical(document):
    return ET.canonicalize(document, strip_text=True)


class TwimlTest(unittest.TestCase):
    def check(self, target, expected_tags, **settings):
        with Bridge(**settings) as bridge:
            answer, body = bridge.post(target, CALL)
        self.assertEqual(answer.status, 200, body)
        self.assertTrue(answer.getheader("Content-Type").startswith("text/xml"))
        root = ET.fromstring(body.encode("utf-8"))
        tags = [element.tag for element in root.iter() if element.tag != "Parameter"]
        self.assertEqual(tags, expected_tags)
        copy = VoiceResponse()
        for verb in root:
            rebuild(verb, copy)
        self.assertEqual(canonical(body), canonical(str(copy)))
        parameters = {element.get("name"): element.get("value") for element in root.iter("Parameter")}
        self.assertEqual(parameters["from"], CALL["From"])
        self.assertEqual(root.find(".//Stream").get("url"), f"wss://{DOMAIN}/twilio/media")
        return root

    def test_conference(self):
        tags = ["Response", "Start", "Stream", "Dial", "Conference"]
        root = self.check("/twilio/twiml?room=room-7", tags)
        self.assertEqual(root.find("./Dial/Conference").text, "room-7")

    def test_receive_call(self):
        root = self.check("/twilio/twiml", ["Response", "Connect", "Stream"], MODE="receive_call")
        self.assertIsNotNone(root.find("./Connect/Stream"))

    def test_dial_done(self):
        with Bridge() as bridge:
            answer, body = bridge.post("/twilio/dial-done", CALL | {"DialCallStatus": "completed"})
        self.assertEqual(answer.status, 200, body)
        copy = VoiceResponse()
        copy.hangup()
        self.assertEqual(canonical(body), canonical(str(copy)))


class Listener(http.server.BaseHTTPRequestHandler):
    """Stands where a bridge would be: answers the simulated phone and keeps what it signed."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode("utf-8")
        parameters = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
        self.server.signed.append((f"https://{DOMAIN}{self.path}", parameters, self.headers["X-Twilio-Signature"]))
        if self.path.startswith("/twilio/twiml"):
            self.answer(200, self.server.twiml)
        else:
            self.answer(204, "")

    def do_GET(self):
        self.server.signed.append((f"wss://{DOMAIN}{self.path}", {}, self.headers["X-Twilio-Signature"]))
        guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = hashlib.sha1((self.headers["Sec-WebSocket-Key"] + guid).encode()).digest()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(accept).decode())
        self.end_headers()
        while True:
            head = self.rfile.read(2)
            if len(head) < 2:
                break
            length = head[1] & 0x7F
            if length == 126:
                length = int.from_bytes(self.rfile.read(2), "big")
            self.rfile.read(4 + length)
            if head[0] & 0x0F == 8:
                self.wfile.write(b"\x88\x02\x03\xe8")
                break
        self.close_connection = True

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "text/xml; charset=utf-8")
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


class SignatureTest(unittest.TestCase):
    def test_simulated_phone(self):
        twiml = VoiceResponse()
        twiml.start().stream(url=f"wss://{DOMAIN}/twilio/media", track="inbound_track")
        twiml.dial().conference("room-7", wait_url="")
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
            server.signed, server.twiml = [], str(twiml)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            url = f"http://127.0.0.1:{server.server_port}"
            command = [BRIDGE, "call", "--url", url, "--public-url", f"https://{DOMAIN}", "--room", "room 7 & more"]
            command += ["--from", CALL["From"], "--duration", "0.2"]
            environment = {"TWILIO_AUTH_TOKEN": AUTH_TOKEN}
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=DEADLINE_SECONDS)
            server.shutdown()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        validator = RequestValidator(AUTH_TOKEN)
        for url, parameters, signature in server.signed:
            self.assertTrue(signature and validator.validate(url, parameters, signature), (url, parameters, signature))
            self.assertFalse(validator.validate(url + "x", parameters, signature))
        paths = [urllib.parse.urlsplit(url).path for url, _, _ in server.signed]
        for path in ["/twilio/twiml", "/twilio/media", "/twilio/statuschange"]:
            self.assertIn(path, paths)
        self.assertEqual(server.signed[0][1]["From"], CALL["From"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
