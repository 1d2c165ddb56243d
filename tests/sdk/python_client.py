"""The unmodified Python SDK (symbl 2.0.6): start_connection, send_audio, stop, and Connection.subscribe."""

import json
import os
import sys
import threading
import time

import symbl_rest
from symbl_rest import Configuration

USAGE = "usage: SYMBL_APP_ID=.. SYMBL_APP_SECRET=.. python_client.py BASE_URL AUDIO [ENCODING RATE]"
CLIENT = os.environ.get("CLIENT", "python")
SPEED = float(os.environ.get("SPEED", "1"))
TIMEOUT_S = float(os.environ.get("TIMEOUT_S", "120"))


def say(event, **fields):
    print(json.dumps({"client": CLIENT, "event": event, **fields}), flush=True)


def fail(why):
    say("failed", why=str(why))
    os._exit(1)


def expect(condition, what):
    if not condition:
        fail(f"expected {what}")


def until(condition, what):
    deadline = time.monotonic() + 20
    while not condition():
        if time.monotonic() > deadline:
            fail(f"still waiting for {what}")
        time.sleep(0.02)


def point_at(base_url):
    """Re-points an SDK that knows one server only: three constants and a default instance."""
    configuration = Configuration()
    configuration.host = base_url
    Configuration.set_default(configuration)
    websocket_url = base_url.replace("http", "ws", 1)
    import symbl

    streaming = sys.modules["symbl.streaming_api.StreamingApi"]
    streaming.SYMBL_STREAMING_API_FORMAT = websocket_url + "/v1/realtime/insights/{}?source=python_sdk"
    sys.modules["symbl.Connection"].SYMBL_WEBSOCKET_BASE_PATH = websocket_url + "/session/subscribe/"
    return symbl


def play(path, encoding, rate, send):
    piece = rate // 50 * (1 if encoding == "MULAW" else 2)
    with open(path, "rb") as audio:
        data = audio.read()
    began = time.monotonic()
    for number, at in enumerate(range(0, len(data), piece)):
        early = number * 0.02 / SPEED - (time.monotonic() - began)
        if early > 0:
            time.sleep(early)
        send(data[at : at + piece])


def main():
    if len(sys.argv) < 3 or "SYMBL_APP_ID" not in os.environ:
        sys.exit(USAGE)
    base_url, path = sys.argv[1:3]
    encoding = sys.argv[3] if len(sys.argv) > 3 else "MULAW"
    rate = int(sys.argv[4]) if len(sys.argv) > 4 else 8000
    watchdog = threading.Timer(TIMEOUT_S, fail, args=["timed out"])
    watchdog.daemon = True
    watchdog.start()

    symbl = point_at(base_url)
    credentials = {"app_id": os.environ["SYMBL_APP_ID"], "app_secret": os.environ["SYMBL_APP_SECRET"]}
    connection = symbl.Streaming.start_connection(
        credentials=credentials,
        insight_types=["question", "action_item"],
        speaker={"userId": "+15550100002", "name": "Customer"},
        config={"speechRecognition": {"encoding": encoding, "sampleRateHertz": rate}},
    )
    finals, messages, kinds = [], [], []

    def on_message(data):
        message = data["message"]
        kinds.append(message["type"])
        if message["type"] == "recognition_result" and message["isFinal"]:
            finals.append(message["punctuated"]["transcript"])
            say("final", text=message["punctuated"]["transcript"])

    def on_messages(data):
        for message in data["messages"]:
            messages.append(message["payload"]["content"])
            say("message", text=message["payload"]["content"])

    connection.subscribe({"message": on_message, "message_response": on_messages})
    until(lambda: connection.conversation.get_conversation_id() is not None, "conversation_created")
    conversation_id = connection.conversation.get_conversation_id()
    say("started", conversationId=conversation_id, connectionId=connection.connectionId)

    # A subscriber gets each message as the raw text.
    listened = []
    subscription = symbl.Connection(conversation_id, connection.connectionId, "", "", credentials=credentials)
    listen = {"message": listened.append, "message_response": listened.append}
    threading.Thread(target=subscription.subscribe, args=[listen], daemon=True).start()
    until(lambda: len(listened) > 0, "conversation_created at the subscriber")

    play(path, encoding, rate, connection.send_audio)
    connection.stop()
    until(lambda: "conversation_completed" in kinds and "recognition_stopped" in kinds, "the end")
    expect(
        kinds.index("conversation_completed") < kinds.index("recognition_stopped"),
        "conversation_completed before recognition_stopped",
    )
    until(lambda: not (connection.connection.sock and connection.connection.sock.connected), "the close by the server")
    expect(len(finals) > 0 and finals == messages, f"one message a final result: {finals} {messages}")
    until(lambda: "conversation_completed" in listened[-1], "the end of the subscription")
    heard = [json.loads(text) for text in listened]
    heard = [message["payload"]["content"] for text in heard for message in text.get("messages", [])]
    expect(heard == messages, f"the subscriber to hear the same: {heard}")
    say("passed", conversationId=conversation_id)
    os._exit(0)


try:
    main()
except Exception as error:  # A thread of the SDK would keep the process alive.
    fail(repr(error))
