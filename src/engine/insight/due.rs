//! STUB
use std::ops::Range;
pub struct Due {
    pub at_ms: i64,
    pub range: Range<usize>,
    pub date: String,
}
pub fn find(_text: &str, _now_ms: i64, _timezone_offset_minutes: i64) -> Option<Due> {
    None
}
