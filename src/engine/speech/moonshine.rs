//! Moonshine (English, int8 ONNX) run by `rten`: an encoder over raw samples and a greedy decoder with a cache.
//!
//! `docs/speech.md` tells where the figures in the constants come from.

mod graph;
mod guard;
mod tokenizer;

use std::{path::Path, sync::Arc};

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueOrView};
use rten_tensor::{NdTensor, Tensor, TensorView, prelude::*};

use self::{
    graph::DecoderPorts,
    tokenizer::{BEGIN, END, Tokenizer},
};
use super::{
    SAMPLE_RATE,
    recognizer::{Hypothesis, LoadError, RecognizeError, Recognizer, SegmentAudio},
};

/// Shorter input makes the encoder fail or guess.
const SHORTEST_INPUT: usize = SAMPLE_RATE as usize;
/// Silence after the last sample; without it the last word is lost now and then.
const TRAILING_SILENCE: usize = SAMPLE_RATE as usize / 4;
/// Nobody speaks faster than this many tokens a second.
const TOKENS_PER_SECOND: f32 = 6.5;
/// Tokens allowed on top, for short segments.
const SPARE_TOKENS: usize = 3;

/// A token's score so far below the best adds nothing to a probability: all 32,768 of them less than a ten-thousandth.
const NEGLIGIBLE: f32 = -20.0;

/// A loaded model with a thread of its own. Copies made by [`Recognizer::for_worker`] share the weights.
pub struct Moonshine {
    weights: Arc<Weights>,
    thread: Arc<ThreadPool>,
}

struct Weights {
    name: String,
    encoder: Model,
    samples_in: NodeId,
    samples_mask: Option<NodeId>,
    encoded_out: NodeId,
    decoder: Model,
    ports: DecoderPorts,
    tokenizer: Tokenizer,
}

impl Moonshine {
    /// Loads `encoder_model.onnx`, `decoder_model_merged.onnx` and `tokenizer.json` (or `tokenizer.bin`) from `dir`.
    ///
    /// Takes 0.2 to 0.4 s and about 250 MB for base.
    pub fn load(dir: &Path) -> Result<Self, LoadError> {
        let encoder_path = dir.join("encoder_model.onnx");
        let decoder_path = dir.join("decoder_model_merged.onnx");
        let encoder = load_graph(&encoder_path)?;
        let decoder = load_graph(&decoder_path)?;
        let encoder_node = |name: &str| {
            encoder.find_node(name).ok_or_else(|| LoadError::WrongLayout {
                path: encoder_path.clone(),
                missing: name.to_owned(),
            })
        };
        let weights = Weights {
            name: dir.file_name().map_or_else(|| "moonshine".into(), |n| n.to_string_lossy().into_owned()),
            samples_in: encoder_node("input_values")?,
            samples_mask: encoder.find_node("attention_mask"),
            encoded_out: encoder_node("last_hidden_state")?,
            ports: DecoderPorts::find(&decoder, &decoder_path)?,
            tokenizer: Tokenizer::load(dir)?,
            encoder,
            decoder,
        };
        Ok(Self { weights: Arc::new(weights), thread: one_thread() })
    }

    fn options(&self) -> Option<RunOptions> {
        Some(RunOptions::default().with_thread_pool(Some(self.thread.clone())))
    }

    /// Returns the encoder's output, f32 `[1, frames, width]`, one frame for every 384 samples.
    fn encode(&self, samples: &[f32]) -> Result<Value, RecognizeError> {
        let weights = &*self.weights;
        let length = (samples.len() + TRAILING_SILENCE).max(SHORTEST_INPUT);
        let mut padded = Vec::with_capacity(length);
        padded.extend_from_slice(samples);
        padded.resize(length, 0.0);
        let mut inputs: Vec<(NodeId, ValueOrView)> =
            vec![(weights.samples_in, NdTensor::from_data([1, length], padded).into())];
        if let Some(mask) = weights.samples_mask {
            inputs.push((mask, Tensor::<i32>::full(&[1, length], 1).into()));
        }
        let mut outputs = weights
            .encoder
            .run(inputs, &[weights.encoded_out], self.options())
            .map_err(|cause| failed("encoding", cause))?;
        outputs.pop().ok_or(RecognizeError::UnexpectedOutput { output: "last_hidden_state" })
    }

    /// Runs the decoder without a cache over `[BEGIN] + draft`.
    fn first_step(&self, encoded: &Value, draft: &[u32]) -> Result<(Value, DecoderCache), RecognizeError> {
        let ports = &self.weights.ports;
        let ids: Vec<i32> = std::iter::once(BEGIN).chain(draft.iter().copied()).map(|id| id as i32).collect();
        let mut inputs = self.step_inputs(encoded, ids, false);
        for port in ports.own.iter().chain(&ports.cross) {
            inputs.push((port.input, Tensor::<f32>::zeros(&port.empty).into()));
        }
        let wanted: Vec<NodeId> = std::iter::once(ports.logits)
            .chain(ports.own.iter().map(|port| port.output))
            .chain(ports.cross.iter().map(|port| port.output))
            .collect();
        let mut outputs = self
            .weights
            .decoder
            .run(inputs, &wanted, self.options())
            .map_err(|cause| failed("decoding the first token", cause))?
            .into_iter();
        let logits = outputs.next().ok_or(RecognizeError::UnexpectedOutput { output: "logits" })?;
        let own: Vec<Value> = outputs.by_ref().take(ports.own.len()).collect();
        let cross: Vec<Value> = outputs.collect();
        Ok((logits, DecoderCache { own, cross }))
    }

    /// Runs the decoder over one more token.
    fn next_step(
        &self,
        encoded: &Value,
        cache: &mut DecoderCache,
        token: u32,
    ) -> Result<Value, RecognizeError> {
        let ports = &self.weights.ports;
        let mut inputs = self.step_inputs(encoded, vec![token as i32], true);
        // By value: the runtime appends to it in place.
        for (port, value) in ports.own.iter().zip(cache.own.drain(..)) {
            inputs.push((port.input, value.into()));
        }
        for (port, value) in ports.cross.iter().zip(&cache.cross) {
            inputs.push((port.input, value.into()));
        }
        let wanted: Vec<NodeId> =
            std::iter::once(ports.logits).chain(ports.own.iter().map(|port| port.output)).collect();
        let mut outputs = self
            .weights
            .decoder
            .run(inputs, &wanted, self.options())
            .map_err(|cause| failed("decoding", cause))?
            .into_iter();
        let logits = outputs.next().ok_or(RecognizeError::UnexpectedOutput { output: "logits" })?;
        cache.own = outputs.collect();
        Ok(logits)
    }

    fn step_inputs<'a>(
        &self,
        encoded: &'a Value,
        ids: Vec<i32>,
        use_cache: bool,
    ) -> Vec<(NodeId, ValueOrView<'a>)> {
        let ports = &self.weights.ports;
        let mut inputs: Vec<(NodeId, ValueOrView<'a>)> = vec![
            (ports.tokens, NdTensor::from_data([1, ids.len()], ids).into()),
            (ports.encoded, encoded.into()),
            (ports.use_cache, NdTensor::from_data([1], vec![i32::from(use_cache)]).into()),
        ];
        if let Some(mask) = ports.encoded_mask {
            let frames = encoded.shape().get(1).copied().unwrap_or(1);
            inputs.push((mask, Tensor::<i32>::full(&[1, frames], 1).into()));
        }
        inputs
    }
}

impl Recognizer for Moonshine {
    fn transcribe(&self, segment: &SegmentAudio<'_>) -> Result<Hypothesis, RecognizeError> {
        if segment.samples.is_empty() {
            return Ok(Hypothesis::default());
        }
        let seconds = segment.samples.len() as f32 / SAMPLE_RATE as f32;
        let most_tokens = (seconds * TOKENS_PER_SECOND).ceil() as usize + SPARE_TOKENS;
        let draft = &segment.draft[..segment.draft.len().min(most_tokens)];

        let encoded = self.encode(segment.samples)?;
        let (logits, mut cache) = self.first_step(&encoded, draft)?;
        let mut chosen = Chosen::default();
        let mut next = chosen.accept_draft(&logits, draft, segment.surely_speech)?;
        cache.truncate(chosen.tokens.len() + 1)?;
        let mut poor = false;
        while next.token != END && chosen.tokens.len() < most_tokens {
            chosen.push(next);
            if let Some(repeats) = guard::looping_tail(&chosen.tokens) {
                chosen.tokens.truncate(chosen.tokens.len() - repeats);
                poor = true;
                break;
            }
            let logits = self.next_step(&encoded, &mut cache, next.token)?;
            next = best(row(&logits, 0)?.as_slice(), false);
        }
        Ok(Hypothesis {
            text: self.weights.tokenizer.decode(&chosen.tokens),
            confidence: chosen.confidence(),
            tokens: chosen.tokens,
            poor,
        })
    }

    fn for_worker(&self) -> Box<dyn Recognizer> {
        Box::new(Self { weights: self.weights.clone(), thread: one_thread() })
    }

    fn name(&self) -> &str {
        &self.weights.name
    }
}

/// The decoder's memory of one segment.
struct DecoderCache {
    own: Vec<Value>,
    cross: Vec<Value>,
}

impl DecoderCache {
    /// Forgets all but the first `positions` tokens.
    fn truncate(&mut self, positions: usize) -> Result<(), RecognizeError> {
        for value in &mut self.own {
            if value.shape().get(2).is_some_and(|&have| have > positions) {
                let mut tensor: Tensor<f32> = std::mem::replace(value, Value::from(0.0_f32))
                    .into_tensor()
                    .ok_or(RecognizeError::UnexpectedOutput { output: "cache" })?;
                tensor.clip_dim(2, 0..positions);
                *value = tensor.into();
            }
        }
        Ok(())
    }
}

/// A token with the logarithm of its probability.
#[derive(Clone, Copy)]
struct Choice {
    token: u32,
    log_probability: f32,
}

/// The tokens chosen so far.
#[derive(Default)]
struct Chosen {
    tokens: Vec<u32>,
    log_probability: f32,
}

impl Chosen {
    fn push(&mut self, choice: Choice) {
        self.tokens.push(choice.token);
        self.log_probability += choice.log_probability;
    }

    /// Takes over the longest beginning of `draft` that the model would have chosen itself, and returns the
    /// choice that follows it.
    fn accept_draft(
        &mut self,
        logits: &Value,
        draft: &[u32],
        forbid_empty: bool,
    ) -> Result<Choice, RecognizeError> {
        let mut position = 0;
        loop {
            let scores = row(logits, position)?;
            let choice = best(scores.as_slice(), forbid_empty && position == 0);
            if draft.get(position) != Some(&choice.token) || choice.token == END {
                return Ok(choice);
            }
            self.push(choice);
            position += 1;
        }
    }

    fn confidence(&self) -> f32 {
        if self.tokens.is_empty() { 0.0 } else { (self.log_probability / self.tokens.len() as f32).exp() }
    }
}

/// Returns the likeliest token of one position's scores; not END when `forbid_end`.
fn best(scores: &[f32], forbid_end: bool) -> Choice {
    let mut token = 0;
    let mut top = f32::NEG_INFINITY;
    for (id, &score) in scores.iter().enumerate() {
        if score > top && !(forbid_end && id as u32 == END) {
            token = id as u32;
            top = score;
        }
    }
    let near = scores.iter().map(|score| score - top).filter(|below| *below > NEGLIGIBLE);
    let total: f32 = near.map(f32::exp).sum();
    Choice { token, log_probability: -total.max(1.0).ln() }
}

/// Copies the scores of one position out of logits `[1, positions, vocabulary]`.
fn row(logits: &Value, position: usize) -> Result<Vec<f32>, RecognizeError> {
    let wrong = RecognizeError::UnexpectedOutput { output: "logits" };
    let Some(view): Option<TensorView<'_, f32>> = logits.as_tensor_view() else {
        return Err(wrong);
    };
    let &[1, positions, vocabulary] = view.shape() else {
        return Err(wrong);
    };
    if position >= positions || vocabulary <= END as usize {
        return Err(wrong);
    }
    Ok(view.slice((0, position)).to_vec())
}

fn load_graph(path: &Path) -> Result<Model, LoadError> {
    if let Err(cause) = std::fs::metadata(path) {
        return Err(LoadError::Unreadable { path: path.to_owned(), cause });
    }
    ModelOptions::with_all_ops()
        .load_file(path)
        .map_err(|cause| LoadError::BadModel { path: path.to_owned(), cause: cause.into() })
}

fn one_thread() -> Arc<ThreadPool> {
    Arc::new(ThreadPool::with_num_threads(1))
}

fn failed(during: &'static str, cause: rten::RunError) -> RecognizeError {
    RecognizeError::Inference { during, cause: cause.into() }
}
