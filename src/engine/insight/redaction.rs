//! STUB
use super::entities::*;
use std::ops::Range;
#[derive(Debug, Default)]
pub struct Redactor;
pub struct Findings {
    pub entities: Vec<Entity>,
    pub hidden: Vec<Range<usize>>,
}
pub struct Interim {
    pub hidden: Vec<Range<usize>>,
    pub safe: usize,
}
fn phone(text: &str) -> Vec<Range<usize>> {
    text.find("555 0100").map(|at| at..at + 8).into_iter().collect()
}
impl Redactor {
    pub fn finished(&mut self, _speaker: u64, _at_ms: i64, text: &str) -> Findings {
        let hidden = phone(text);
        Findings {
            entities: hidden
                .iter()
                .map(|r| Entity { kind: EntityKind::PhoneNumber, range: r.clone() })
                .collect(),
            hidden,
        }
    }
    pub fn unfinished(&self, _speaker: u64, _at_ms: i64, text: &str) -> Interim {
        Interim { hidden: phone(text), safe: text.len() }
    }
}
pub fn redact(text: &str, hidden: &[Range<usize>], replacement: &str) -> String {
    let mut out = String::new();
    let mut at = 0;
    for r in hidden {
        out.push_str(&text[at..r.start]);
        out.push_str(replacement);
        at = r.end;
    }
    out.push_str(&text[at..]);
    out
}
pub fn moved(offset: usize, hidden: &[Range<usize>], replacement: &str) -> usize {
    let mut d: isize = 0;
    for r in hidden {
        if r.end <= offset {
            d += replacement.len() as isize - r.len() as isize
        } else if r.start < offset {
            return (r.start as isize + d) as usize;
        }
    }
    (offset as isize + d) as usize
}
