//! Which trackers a conversation watches with: those that its legs brought along, and stored ones. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use super::ids;
use crate::engine::analysis::Watched;
use crate::engine::insight::trackers::TrackerDefinition;
use crate::engine::store::view::TrackerRecord;
use crate::symbl::client_message::TrackerWish;

/// The trackers of one conversation, kept up to date with the store.
#[derive(Debug, Default)]
pub struct WatchList {
    wishes: Vec<TrackerWish>,
    all: bool,
    /// Names of trackers that legs brought along have one id a conversation.
    ids: HashMap<String, String>,
    /// What the list was made of.
    stored: Option<Arc<Vec<TrackerRecord>>>,
    list: Watched,
}

impl WatchList {
    /// Legs want these.
    pub fn wish(&mut self, wishes: Vec<TrackerWish>, all: bool) {
        (self.wishes, self.all, self.stored) = (wishes, all, None);
    }

    /// Returns the trackers, made anew when the stored ones have changed.
    pub fn current(&mut self, stored: &Arc<Vec<TrackerRecord>>) -> Watched {
        if !self.stored.as_ref().is_some_and(|before| Arc::ptr_eq(before, stored)) {
            self.list = Arc::new(self.resolve(stored));
            self.stored = Some(Arc::clone(stored));
        }
        Arc::clone(&self.list)
    }

    fn resolve(&mut self, stored: &[TrackerRecord]) -> Vec<TrackerDefinition> {
        let mut list: Vec<TrackerDefinition> = Vec::new();
        if self.all {
            list.extend(stored.iter().map(definition));
        }
        for wish in &self.wishes {
            let refers_to = |record: &&TrackerRecord| {
                wish.id.as_ref().map_or(wish.name.as_ref() == Some(&record.name), |id| *id == record.id)
            };
            let found = if wish.vocabulary.is_empty() {
                stored.iter().find(refers_to).map(definition)
            } else {
                wish.name.clone().or_else(|| wish.id.clone()).map(|name| TrackerDefinition {
                    id: self.ids.entry(name.clone()).or_insert_with(ids::sixteen_digits).clone(),
                    name,
                    phrases: wish.vocabulary.clone(),
                    threshold: None,
                    is_strict: false,
                })
            };
            match found.map(|found| (list.iter().position(|known| known.id == found.id), found)) {
                // Two legs that bring phrases under one name mean one tracker.
                Some((Some(at), found)) => {
                    let known = &mut list[at].phrases;
                    let is_new = |phrase: &String| !known.contains(phrase);
                    let new: Vec<String> = found.phrases.into_iter().filter(is_new).collect();
                    known.extend(new);
                }
                Some((None, found)) => list.push(found),
                None => {}
            }
        }
        list
    }
}

fn definition(record: &TrackerRecord) -> TrackerDefinition {
    TrackerDefinition {
        id: record.id.clone(),
        name: record.name.clone(),
        phrases: record.vocabulary.clone(),
        threshold: record.threshold.map(|threshold| threshold as f32),
        is_strict: record.strict.unwrap_or(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(id: &str, name: &str) -> TrackerRecord {
        TrackerRecord {
            id: id.to_owned(),
            name: name.to_owned(),
            vocabulary: vec![format!("{name} phrase")],
            ..TrackerRecord::default()
        }
    }

    fn wish(id: Option<&str>, name: Option<&str>, vocabulary: &[&str]) -> TrackerWish {
        TrackerWish {
            id: id.map(str::to_owned),
            name: name.map(str::to_owned),
            vocabulary: vocabulary.iter().map(|phrase| (*phrase).to_owned()).collect(),
        }
    }

    fn names(list: &Watched) -> Vec<String> {
        list.iter().map(|tracker| format!("{} {}", tracker.name, tracker.phrases.join("|"))).collect()
    }

    #[test]
    fn stored_trackers_are_watched_when_named_and_all_when_asked_for() {
        let store = Arc::new(vec![stored("1", "Refund"), stored("2", "Legal")]);
        let mut list = WatchList::default();
        assert!(list.current(&store).is_empty());
        list.wish(
            vec![wish(Some("2"), None, &[]), wish(None, Some("Refund"), &[]), wish(Some("9"), None, &[])],
            false,
        );
        assert_eq!(names(&list.current(&store)), ["Legal Legal phrase", "Refund Refund phrase"]);
        list.wish(vec![wish(Some("2"), None, &[])], true);
        assert_eq!(list.current(&store).len(), 2);
    }

    #[test]
    fn phrases_of_one_name_are_one_tracker_with_one_id() {
        let store = Arc::new(Vec::new());
        let mut list = WatchList::default();
        list.wish(vec![wish(None, Some("T"), &["a", "b"]), wish(None, Some("T"), &["b", "c"])], false);
        let first = list.current(&store);
        assert_eq!(names(&first), ["T a|b|c"]);
        list.wish(vec![wish(None, Some("T"), &["a"])], false);
        assert_eq!(list.current(&store)[0].id, first[0].id);
    }

    #[test]
    fn a_change_in_the_store_is_seen_by_the_next_sentence() {
        let mut list = WatchList::default();
        list.wish(Vec::new(), true);
        assert_eq!(list.current(&Arc::new(vec![stored("1", "Refund")])).len(), 1);
        assert_eq!(list.current(&Arc::new(Vec::new())).len(), 0);
    }
}
