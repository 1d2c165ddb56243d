//! STUB
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IntentKind {
    Question,
    ActionItem,
    FollowUp,
}
impl IntentKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Question => "question",
            Self::ActionItem => "action_item",
            Self::FollowUp => "follow_up",
        }
    }
}
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assignee {
    Speaker,
    OtherParty,
    Named(String),
    Nobody,
}
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    pub kind: IntentKind,
    pub score: f64,
    pub assignee: Assignee,
}
pub fn detect(text: &str) -> Vec<Intent> {
    if text.ends_with('?') {
        vec![Intent { kind: IntentKind::Question, score: 0.97, assignee: Assignee::Nobody }]
    } else if text.contains(" will send") {
        vec![Intent { kind: IntentKind::ActionItem, score: 0.9, assignee: Assignee::Speaker }]
    } else {
        vec![]
    }
}
