//! STUB
use std::path::Path;
pub type Vector = [f32; 384];
#[derive(Clone)]
pub struct Meaning;
#[derive(Debug, thiserror::Error)]
#[error("stub")]
pub struct MeaningError;
impl Meaning {
    pub fn load(_dir: &Path) -> Result<Self, MeaningError> {
        Err(MeaningError)
    }
    pub fn vector(&self, _text: &str) -> Result<Vector, MeaningError> {
        Err(MeaningError)
    }
}
