"""The unmodified Python SDK (symbl 2.0.6): start_connection, send_audio, stop, Connection.subscribe; what was meant,
through its handlers, and the conversation read back with its REST helpers."""

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
# What the audio must lead to, of question, action_item, follow_up, tracker and topic; without it nothing must.
EXPECTED = [wanted for wanted in os.environ.get("EXPECT", "").split(",") if wanted]
TRACKERS = [{"name": "Refund", "vocabulary": ["refund", "I want my money back"]}]


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


class Findings:
    """What handlers are given, checked as it comes."""

    def __init__(self):
        self.messages, self.insights, self.topics, self.trackers = [], [], [], []

    def handlers(self):
        return {
            "message_response": self.on_messages,
            "insight_response": self.on_insights,
            "topic_response": self.on_topics,
            "tracker_response": self.on_trackers,
        }

    # The SDK swallows what a handler raises, so that a broken expectation has to end the process.
    def on_messages(self, data):
        for message in data["messages"]:
            self.messages.append(message)
            say("message", text=message["payload"]["content"])

    def on_insights(self, data):
        for insight in data["insights"]:
            self.expect_message(insight["messageReference"]["id"])
            self.insights.append(insight)
            say("insight", type=insight["type"], text=insight["text"], dueBy=insight.get("dueBy"))

    def on_topics(self, data):
        for topic in data["topics"]:
            for reference in topic["messageReferences"]:
                self.expect_message(reference["id"])
        self.topics = data["topics"]
        say("topics", phrases=[topic["phrases"] for topic in self.topics])

    def on_trackers(self, data):
        for tracker in data["trackers"]:
            for match in tracker["matches"]:
                for reference in match["messageRefs"]:
                    self.expect_message(reference["id"])
                say("tracker", name=tracker["name"], value=match["value"])
            self.trackers.append(tracker)

    def expect_message(self, message_id):
        expect(message_id in self.ids(), f"a message {message_id} before what refers to it")

    def ids(self):
        return [message["id"] for message in self.messages]

    def texts(self):
        return [message["payload"]["content"] for message in self.messages]

    def expect_all(self):
        for wanted in EXPECTED:
            if wanted == "tracker":
                expect(any(tracker["name"] == "Refund" for tracker in self.trackers), "the tracker Refund")
            elif wanted == "topic":
                expect(self.topics, "topics")
            else:
                expect(any(insight["type"] == wanted for insight in self.insights), f"an insight of type {wanted}")

    def read_back(self, conversations, conversation_id, credentials):
        """Asks every helper of the SDK; on a failure they return a dict with a message instead of a model."""

        def ask(helper, *arguments):
            answer = getattr(conversations, helper)(conversation_id, *arguments, credentials=credentials)
            expect(not (isinstance(answer, dict) and "message" in answer), f"{helper} to succeed: {answer}")
            return answer

        def ids(items):
            return sorted(str(item["id"] if isinstance(item, dict) else item.id) for item in items)

        stored = ask("get_messages").messages
        expect([message.text for message in stored] == self.texts(), f"the messages that were heard: {stored}")
        for kind, helper, key in [
            ("question", "get_questions", "questions"),
            ("action_item", "get_action_items", "action_items"),
            ("follow_up", "get_follow_ups", "follow_ups"),
        ]:
            items = getattr(ask(helper), key)
            live = [insight for insight in self.insights if insight["type"] == kind]
            expect(ids(items) == ids(live), f"{helper} to be what was heard: {items}")
            say("read back", helper=helper, count=len(items))
        topics = ask("get_topics").topics
        expect(ids(topics) == ids(self.topics), f"get_topics to be what was heard last: {topics}")
        names = {tracker.name for tracker in ask("get_trackers")}
        expect(names == {tracker["name"] for tracker in self.trackers}, f"get_trackers: {names}")
        members = ask("get_members").members
        expect([member.name for member in members] == ["Customer"], f"get_members: {members}")
        analytics = ask("get_analytics")
        expect(analytics.members[0].talk_time.seconds > 0, f"get_analytics: {analytics}")
        ask("get_entities")
        expect(ask("get_conversation").id == conversation_id, "get_conversation")
        say("read back", helper="get_analytics", wpm=analytics.members[0].pace.wpm)


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
        insight_types=["question", "action_item", "follow_up"],
        trackers=TRACKERS,
        speaker={"userId": "+15550100002", "name": "Customer"},
        config={"sentiment": True, "speechRecognition": {"encoding": encoding, "sampleRateHertz": rate}},
    )
    finals, kinds, found = [], [], Findings()

    def on_message(data):
        message = data["message"]
        kinds.append(message["type"])
        if message["type"] == "recognition_result" and message["isFinal"]:
            finals.append(message["punctuated"]["transcript"])
            say("final", text=message["punctuated"]["transcript"])

    connection.subscribe({"message": on_message, **found.handlers()})
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
    messages = found.texts()
    expect(finals and " ".join(finals) == " ".join(messages), f"all final results as messages: {finals} {messages}")
    found.expect_all()
    until(lambda: "conversation_completed" in listened[-1], "the end of the subscription")
    heard = [json.loads(text) for text in listened]
    heard = [message["payload"]["content"] for text in heard for message in text.get("messages", [])]
    expect(heard == messages, f"the subscriber to hear the same: {heard}")
    found.read_back(symbl.Conversations, conversation_id, credentials)
    say("passed", conversationId=conversation_id)
    os._exit(0)


try:
    main()
except Exception as error:  # A thread of the SDK would keep the process alive.
    fail(repr(error))
