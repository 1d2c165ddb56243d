//! Sentences as vectors: what two sentences that mean the same have in common.
//!
//! all-MiniLM-L6-v2 (int8 ONNX) run by `rten`; `wordpiece` cuts the text into the model's pieces.

mod memory;
mod wordpiece;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueOrView};
use rten_tensor::{NdTensor, Tensor, TensorView, prelude::*};

use self::{memory::Memory, wordpiece::WordPiece};

/// Numbers in a vector.
pub const WIDTH: usize = 384;

/// Pieces of a text that the model sees, its two marks included; the rest of a longer text is not looked at.
const MOST_PIECES: usize = 256;

/// The meaning of a text: a direction, so its length is one.
#[derive(Debug, Clone, PartialEq)]
pub struct Vector([f32; WIDTH]);

impl Vector {
    /// Returns the vector with the direction of `values`, or the null vector when they have none.
    pub fn pointing_along(values: [f32; WIDTH]) -> Self {
        let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
        if !length.is_finite() || length <= f32::EPSILON {
            return Self([0.0; WIDTH]);
        }
        Self(values.map(|value| value / length))
    }

    /// Returns the numbers.
    pub fn values(&self) -> &[f32; WIDTH] {
        &self.0
    }

    /// Returns how alike two meanings are: 1 the same, 0 unrelated; seldom below 0.
    pub fn cosine(&self, other: &Self) -> f32 {
        dot(&self.0, &other.0)
    }
}

/// Returns the inner product. Eight running sums, because a single one keeps the compiler from using wide registers.
pub fn dot(left: &[f32; WIDTH], right: &[f32; WIDTH]) -> f32 {
    let mut sums = [0.0_f32; 8];
    for (left, right) in left.as_chunks::<8>().0.iter().zip(right.as_chunks::<8>().0) {
        for lane in 0..8 {
            sums[lane] += left[lane] * right[lane];
        }
    }
    sums.iter().sum()
}

/// Why there is no vector.
#[derive(Debug, thiserror::Error)]
pub enum MeaningError {
    /// A file of the model is missing or unreadable.
    #[error("cannot read {path}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The graph cannot be run.
    #[error("{path} is not a model that can be run")]
    BadModel {
        /// Which file.
        path: PathBuf,
        /// The runtime's reason.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The graph or the vocabulary lacks something.
    #[error("{path} is not laid out as a sentence model's: no {missing}")]
    WrongLayout {
        /// Which file.
        path: PathBuf,
        /// What was looked for and not found.
        missing: &'static str,
    },
    /// The runtime gave up.
    #[error("the sentence model failed")]
    Inference(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The model gave something that is not one row of numbers a piece.
    #[error("the sentence model's output has an unexpected shape")]
    UnexpectedOutput,
}

/// A loaded sentence model. Copies share the weights and the thread: calls from several threads wait for each other,
/// which is enough for about 200 texts a second.
#[derive(Clone)]
pub struct Meaning {
    shared: Arc<Shared>,
}

struct Shared {
    graph: Model,
    ids_in: NodeId,
    mask_in: NodeId,
    types_in: NodeId,
    states_out: NodeId,
    pieces: WordPiece,
    memory: Memory,
    thread: Arc<ThreadPool>,
}

impl Meaning {
    /// Loads `model.onnx` and `tokenizer.json` from `dir`. Takes about 0.1 s and 160 MB.
    pub fn load(dir: &Path) -> Result<Self, MeaningError> {
        let pieces = WordPiece::load(&dir.join("tokenizer.json"))?;
        let path = dir.join("model.onnx");
        if let Err(cause) = std::fs::metadata(&path) {
            return Err(MeaningError::Unreadable { path, cause });
        }
        // Packed weights cost 40 MB and save a third of the time.
        let loaded = ModelOptions::with_all_ops().prepack_weights(true).load_file(&path);
        let graph =
            loaded.map_err(|cause| MeaningError::BadModel { path: path.clone(), cause: cause.into() })?;
        let node = |name: &'static str| {
            graph
                .find_node(name)
                .ok_or_else(|| MeaningError::WrongLayout { path: path.clone(), missing: name })
        };
        let shared = Shared {
            ids_in: node("input_ids")?,
            mask_in: node("attention_mask")?,
            types_in: node("token_type_ids")?,
            states_out: node("last_hidden_state")?,
            graph,
            pieces,
            memory: Memory::default(),
            thread: Arc::new(ThreadPool::with_num_threads(1)),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Returns the meaning of a `text` that is likely to come again, such as a tracker's phrase: blocks the first time.
    pub fn remembered(&self, text: &str) -> Result<Arc<Vector>, MeaningError> {
        if let Some(known) = self.shared.memory.recall(text) {
            return Ok(known);
        }
        let vector = Arc::new(self.vector(text)?);
        self.shared.memory.keep(text, &vector);
        Ok(vector)
    }

    /// Returns the meaning of `text`; case makes no difference. Blocks for about 5 ms: never on an async thread.
    pub fn vector(&self, text: &str) -> Result<Vector, MeaningError> {
        let shared = &*self.shared;
        let ids = shared.pieces.ids(text, MOST_PIECES);
        let length = ids.len();
        let inputs: Vec<(NodeId, ValueOrView)> = vec![
            (shared.ids_in, NdTensor::from_data([1, length], ids).into()),
            (shared.mask_in, Tensor::<i32>::full(&[1, length], 1).into()),
            (shared.types_in, Tensor::<i32>::full(&[1, length], 0).into()),
        ];
        let options = RunOptions::default().with_thread_pool(Some(shared.thread.clone()));
        let outputs = shared
            .graph
            .run(inputs, &[shared.states_out], Some(options))
            .map_err(|cause| MeaningError::Inference(cause.into()))?;
        mean_of_rows(outputs.first().ok_or(MeaningError::UnexpectedOutput)?)
    }
}

/// Returns the direction of the mean over the pieces of `[1, pieces, 384]`.
fn mean_of_rows(states: &Value) -> Result<Vector, MeaningError> {
    let view: Option<TensorView<'_, f32>> = states.as_tensor_view();
    let view = view.filter(|view| matches!(view.shape(), &[1, pieces, WIDTH] if pieces > 0));
    let rows = view.ok_or(MeaningError::UnexpectedOutput)?.to_vec();
    let mut sum = [0.0; WIDTH];
    for row in rows.as_chunks::<WIDTH>().0 {
        for (total, value) in sum.iter_mut().zip(row) {
            *total += value;
        }
    }
    Ok(Vector::pointing_along(sum))
}

#[cfg(test)]
pub(crate) mod tests;
