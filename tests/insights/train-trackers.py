#!/usr/bin/env python3
"""Learns which parts of a meaning count for trackers: writes src/engine/insight/trackers/emphasis.bin.

usage: train-trackers.py MODEL_DIR OUT [--leave-out FILE] FILE...
  pip install numpy jax onnxruntime tokenizers
  MODEL_DIR holds model.onnx and tokenizer.json (symbl-bridge model install --model minilm).
  FILE: labelled rows (*.jsonl), or themes (*.txt): see README.md.
  --leave-out FILE: don't learn from FILE, but say how well the result does on it.

A vector x becomes x + reads.T @ adds @ x, of length one. A tracker's score is a soft maximum of the cosines with its
phrases, plus a direction times x. Logistic loss over all pairs of row and tracker, Adam, no randomness but the seed.
"""
import json
import sys

import jax
import jax.numpy as jnp
import numpy as np

RANK, STEPS, RATE, SHARPNESS = 48, 150, 5e-3, 12.0
REGULARISATION, REGULARISATION_OF_CALL = 6e-4, 2e-2
# A miss costs more than a false alarm, because there are so few; a trap is worth three ordinary rows.
MISS, TRAP = 3.0, 2.0


def read_rows(path):
    """Labelled rows: every row is judged for every tracker of its file."""
    rows = [json.loads(line) for line in open(path, encoding="utf-8") if line.strip()]
    trackers = {row["name"]: row["vocabulary"] for row in rows if row["kind"] == "tracker"}
    said = [(row["text"], row["trackers"], row["near_miss"]) for row in rows if row["kind"] == "utterance"]
    return trackers, said, 1.0


def read_themes(path):
    """'# name', or '# name | phrase | ...' with '+ ' rows; without phrases the plain lines are rows and phrases."""
    trackers, said, name = {}, [], None
    for line in open(path, encoding="utf-8"):
        line = line.rstrip("\n")
        text = line[2:].removeprefix("W ").removeprefix("a: ") if line[:2] in ("+ ", "- ") else line
        if line.startswith("# "):
            name, *phrases = line[2:].split(" | ")
            trackers[name] = phrases
        elif line.startswith("- "):
            said.append((text, [], [name]))
        elif line.startswith("+ "):
            said.append((text, [name], []))
        elif line and not line.startswith(";"):
            trackers[name].append(text)
            said.append((text, [name], []))
    # Themes overlap, so a row may well mean another one too.
    return trackers, said, 0.3


class Embedder:
    def __init__(self, folder):
        import onnxruntime
        import tokenizers

        self.session = onnxruntime.InferenceSession(f"{folder}/model.onnx")
        self.tokenizer = tokenizers.Tokenizer.from_file(f"{folder}/tokenizer.json")
        self.tokenizer.no_padding()
        self.known = {}

    def __call__(self, text):
        if text not in self.known:
            ids = np.array([self.tokenizer.encode(text).ids], np.int64)
            feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
            names = {one.name for one in self.session.get_inputs()}
            states = self.session.run(["last_hidden_state"], {k: v for k, v in feed.items() if k in names})[0]
            vector = states[0].mean(0)
            self.known[text] = vector / np.linalg.norm(vector)
        return self.known[text]


def pack(trackers, said, weight_of_others, embed):
    names = list(trackers)
    rows = np.array([embed(text) for text, _, _ in said], np.float32)
    gold = np.array([[name in means for name in names] for _, means, _ in said], np.float32)
    trap = np.array([[name in traps for name in names] for _, _, traps in said])
    most = max(len(phrases) for phrases in trackers.values())
    phrases = np.zeros((len(names), most, rows.shape[1]), np.float32)
    there = np.zeros((len(names), most), bool)
    same = np.zeros((len(rows), len(names), most), bool)
    for i, name in enumerate(names):
        for j, phrase in enumerate(trackers[name]):
            phrases[i, j], there[i, j] = embed(phrase), True
            same[:, i, j] = [text == phrase for text, _, _ in said]  # a row must not meet itself
    weight = np.where((gold > 0) | trap, 1.0, weight_of_others) + TRAP * trap
    return dict(rows=rows, gold=gold, trap=trap, phrases=phrases, there=there, same=same, weight=weight)


def weighed(p, x):
    x = x + x @ p["reads"] @ p["adds"]
    return x / jnp.sqrt((x**2).sum(-1, keepdims=True) + 1e-6)


def score(p, q, there):
    cosine = jnp.einsum("rd,tkd->rtk", weighed(p, q["rows"]), weighed(p, q["phrases"]))
    cosine = jnp.where(there, cosine, -1e9)
    count = jnp.maximum(there.sum(-1), 1)
    soft = jax.nn.logsumexp(cosine * SHARPNESS, axis=-1) / SHARPNESS - jnp.log(count) / (2 * SHARPNESS)
    return soft + (q["rows"] @ p["call"])[:, None]


def train(packs):
    chance = np.random.default_rng(0)
    width = packs[0]["rows"].shape[1]
    p = dict(
        reads=jnp.array(chance.normal(0, 0.05, (width, RANK)), jnp.float32),
        adds=jnp.zeros((RANK, width)),
        call=jnp.zeros(width),
        slope=jnp.float32(10.0),
        offset=jnp.float32(-5.0),
    )

    def loss(p, shown):
        total = 0.0
        for q, some in zip(packs, shown):
            there = some[None] & ~q["same"]
            known = there.any(-1)
            z = jnp.where(known, p["slope"] * score(p, q, there) + p["offset"], 0.0)
            each = jnp.logaddexp(0, z) * (1 - q["gold"]) + MISS * jnp.logaddexp(0, -z) * q["gold"]
            weight = q["weight"] * known
            total += (each * weight).sum() / weight.sum()
        size = (p["adds"] ** 2).sum() + 0.1 * (p["reads"] ** 2).sum()
        return total / len(packs) + REGULARISATION * size + REGULARISATION_OF_CALL * (p["call"] ** 2).sum()

    slope = jax.jit(jax.grad(loss))
    first, second = (jax.tree.map(jnp.zeros_like, p) for _ in range(2))
    for step in range(1, STEPS + 1):
        g = slope(p, [some_phrases(q["there"], chance) for q in packs])
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, g)
        second = jax.tree.map(lambda v, g: 0.99 * v + 0.01 * g * g, second, g)
        move = lambda p, m, v: p - RATE * m / (1 - 0.9**step) / (jnp.sqrt(v / (1 - 0.99**step)) + 1e-8)
        p = jax.tree.map(move, p, first, second)
    return p


def some_phrases(there, chance):
    """A tracker has three to six phrases, which ones should not matter."""
    some = np.zeros_like(there)
    for i, row in enumerate(there):
        at = np.flatnonzero(row)
        count = chance.integers(3, 7) if len(at) > 6 else max(1, chance.binomial(len(at), 0.8))
        some[i, chance.choice(at, min(count, len(at)), replace=False)] = True
    return jnp.array(some)


def block(weights):
    scale = np.float32(np.abs(weights).max() / 127)
    return scale.tobytes() + np.round(weights / scale).astype(np.int8).tobytes()


def main():
    model, out, *paths = sys.argv[1:]
    left_out = None
    if "--leave-out" in paths:
        at = paths.index("--leave-out")
        left_out = paths[at + 1]
        del paths[at : at + 2]
    embed = Embedder(model)
    load = lambda path: pack(*(read_rows if path.endswith(".jsonl") else read_themes)(path), embed)
    p = train([load(path) for path in paths])
    if left_out:
        q = load(left_out)
        said = np.array(score(p, q, q["there"][None]))
        for threshold in np.arange(0.36, 0.7, 0.04):
            hit = said >= threshold
            right = (hit & (q["gold"] > 0)).sum()
            precision, recall = right / max(1, hit.sum()), right / q["gold"].sum()
            print(f">={threshold:.2f}: P {precision:.2f} R {recall:.2f} traps {(hit & q['trap']).sum()}")
    with open(out, "wb") as file:
        file.write(block(np.array(p["reads"]).T) + block(np.array(p["adds"])) + block(np.array(p["call"])))


main()
