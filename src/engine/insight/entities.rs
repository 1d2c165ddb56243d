//! STUB
use std::ops::Range;
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntityKind {
    PhoneNumber,
}
impl EntityKind {
    pub fn name(self) -> &'static str {
        "PHONE_NUMBER"
    }
    pub fn class(self) -> &'static str {
        "PII"
    }
}
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    pub kind: EntityKind,
    pub range: Range<usize>,
}
