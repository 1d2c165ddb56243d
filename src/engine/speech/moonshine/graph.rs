//! How a Moonshine decoder's graph is wired: which input is which cache, read from the graph and never assumed.

use std::path::Path;

use rten::{Dimension, Model, NodeId};

use super::super::recognizer::LoadError;

/// Where one attention's key and value enter the decoder and leave it.
pub(super) struct CachePort {
    pub(super) input: NodeId,
    pub(super) output: NodeId,
    /// Shape of an empty cache, `[0, heads, 1, head size]`, as the first step wants it.
    pub(super) empty: [usize; 4],
}

/// The ports of a merged decoder.
pub(super) struct DecoderPorts {
    pub(super) tokens: NodeId,
    pub(super) encoded: NodeId,
    /// Only some exports have it.
    pub(super) encoded_mask: Option<NodeId>,
    pub(super) use_cache: NodeId,
    pub(super) logits: NodeId,
    /// Self attention: grows with every token.
    pub(super) own: Vec<CachePort>,
    /// Attention over the encoder's output: computed in the first step, constant afterwards.
    pub(super) cross: Vec<CachePort>,
}

impl DecoderPorts {
    /// Finds the ports by name in `decoder`, which was read from `path`.
    pub(super) fn find(decoder: &Model, path: &Path) -> Result<Self, LoadError> {
        let node = |name: &str| {
            decoder
                .find_node(name)
                .ok_or_else(|| LoadError::WrongLayout { path: path.to_owned(), missing: name.to_owned() })
        };
        let mut own = Vec::new();
        let mut cross = Vec::new();
        while decoder.find_node(&format!("past_key_values.{}.decoder.key", own.len() / 2)).is_some() {
            let layer = own.len() / 2;
            for part in ["key", "value"] {
                own.push(cache_port(decoder, path, &format!("{layer}.decoder.{part}"))?);
                cross.push(cache_port(decoder, path, &format!("{layer}.encoder.{part}"))?);
            }
        }
        if own.is_empty() {
            node("past_key_values.0.decoder.key")?;
        }
        Ok(Self {
            tokens: node("input_ids")?,
            encoded: node("encoder_hidden_states")?,
            encoded_mask: decoder.find_node("encoder_attention_mask"),
            use_cache: node("use_cache_branch")?,
            logits: node("logits")?,
            own,
            cross,
        })
    }
}

fn cache_port(decoder: &Model, path: &Path, what: &str) -> Result<CachePort, LoadError> {
    let wrong = |missing: String| LoadError::WrongLayout { path: path.to_owned(), missing };
    let input_name = format!("past_key_values.{what}");
    let output_name = format!("present.{what}");
    let input = decoder.find_node(&input_name).ok_or_else(|| wrong(input_name.clone()))?;
    let output = decoder.find_node(&output_name).ok_or_else(|| wrong(output_name.clone()))?;
    let shape = decoder.node_info(input).and_then(|info| info.shape()).unwrap_or_default();
    let [_, Dimension::Fixed(heads), _, Dimension::Fixed(head_size)] = shape[..] else {
        return Err(wrong(format!("a fixed head count and size of {input_name}")));
    };
    Ok(CachePort { input, output, empty: [0, heads, 1, head_size] })
}
