//! Records in a key-value bucket, changed by compare-and-set.

use std::time::Duration;

use async_nats::jetstream::kv::{Operation, Store, UpdateErrorKind};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How often a change is tried again because another node was quicker. More than that: something else is wrong.
const MOST_TRIES: u32 = 64;

/// The first pause before another try; it grows, so that nodes that collide part.
const PAUSE: Duration = Duration::from_millis(1);

/// Why a record could not be read or changed. Whether the change was made is not known.
#[derive(Debug, thiserror::Error)]
pub(super) enum BucketError {
    #[error("cannot read: {0}")]
    Read(String),
    #[error("cannot write: {0}")]
    Write(String),
    #[error("other nodes were always quicker")]
    Crowded,
}

/// The kinds of records, as keys begin.
pub(super) mod kind {
    pub(in super::super) const CALL: &str = "call";
    pub(in super::super) const CONFERENCE: &str = "conference";
    pub(in super::super) const CLAIM: &str = "claim";
    pub(in super::super) const PAIRS: &str = "pairs";
}

/// Returns the key of a record; names may hold characters that keys may not.
pub(super) fn key(kind: &str, name: &str) -> String {
    format!("{kind}.{}", URL_SAFE_NO_PAD.encode(name))
}

/// Returns the name in a key of this kind.
pub(super) fn name_of(kind: &str, key: &str) -> Option<String> {
    let encoded = key.strip_prefix(kind)?.strip_prefix('.')?;
    String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()
}

/// Returns a record; none if there is none, or it cannot be understood.
pub(super) async fn read<R: DeserializeOwned>(bucket: &Store, key: &str) -> Result<Option<R>, BucketError> {
    let entry = bucket.entry(key).await.map_err(|error| BucketError::Read(error.to_string()))?;
    let entry = entry.filter(|entry| entry.operation == Operation::Put);
    Ok(entry.and_then(|entry| serde_json::from_slice(&entry.value).ok()))
}

/// Changes a record, as if nobody else did at the same time; `change` may be called several times. A record that becomes
/// none is deleted; one that stays as it is is not written.
pub(super) async fn change<R, T>(
    bucket: &Store,
    key: &str,
    mut change: impl FnMut(&mut Option<R>) -> T,
) -> Result<T, BucketError>
where
    R: Serialize + DeserializeOwned + PartialEq + Clone,
{
    for tries in 0..MOST_TRIES {
        let entry = bucket.entry(key).await.map_err(|error| BucketError::Read(error.to_string()))?;
        let revision = entry.as_ref().map_or(0, |entry| entry.revision);
        let entry = entry.filter(|entry| entry.operation == Operation::Put);
        let before: Option<R> = entry.and_then(|entry| serde_json::from_slice(&entry.value).ok());
        let mut after = before.clone();
        let answer = change(&mut after);
        if before == after {
            return Ok(answer);
        }
        // Deleting does not say whether another was quicker, so what is to be deleted is emptied under the same guard first.
        let value = match &after {
            Some(record) => {
                serde_json::to_vec(record).map_err(|error| BucketError::Write(error.to_string()))?
            }
            None => Vec::new(),
        };
        match bucket.update(key, Bytes::from(value), revision).await {
            Ok(revision) => {
                if after.is_none() {
                    // An empty value is none, too; should this fail, the bucket's age limit does it.
                    let _ = bucket.purge_expect_revision(key, Some(revision)).await;
                }
                return Ok(answer);
            }
            Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => {
                tokio::time::sleep(PAUSE * tries.min(10)).await;
            }
            Err(error) => return Err(BucketError::Write(error.to_string())),
        }
    }
    Err(BucketError::Crowded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_makes_a_key_and_comes_back() {
        for name in ["CA1", "room 7.a_b-c", "Zürich", "*.>"] {
            let key = key(kind::CONFERENCE, name);
            assert!(key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)), "{key}");
            assert_eq!(name_of(kind::CONFERENCE, &key).as_deref(), Some(name));
            assert_eq!(name_of(kind::CALL, &key), None);
        }
    }
}
