//! Saying no slowly (`symbl-protocol` 2.2): a JS client whose handshake is refused tries again at once and without
//! end, so the refusal itself has to be the brake.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use log::warn;
use serde_json::json;

use crate::engine::settings::EngineSettings;
use crate::ws::client_address::{ClientAddress, site};

/// Addresses that are remembered; beyond it the ones that have been quiet are forgotten, then all.
const MOST_ADDRESSES: usize = 4096;
/// An address that was quiet for so long starts afresh.
const MEMORY: Duration = Duration::from_secs(60);

/// Refusals that are being held back, and who has been refused of late.
#[derive(Debug)]
pub struct Refusals {
    first_delay: Duration,
    most_delay: Duration,
    most_held: usize,
    held: AtomicUsize,
    addresses: Mutex<HashMap<Option<IpAddr>, Record>>,
}

#[derive(Debug, Clone, Copy)]
struct Record {
    refused: u32,
    latest: Instant,
}

/// Counts a held refusal for as long as it is held, also when the client goes away meanwhile.
struct Held<'a>(&'a AtomicUsize);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Refusals {
    /// Returns the book of refusals of one engine.
    pub fn new(settings: &EngineSettings) -> Arc<Self> {
        Arc::new(Self {
            first_delay: settings.timers.refusal_delay,
            most_delay: settings.timers.refusal_delay_most,
            most_held: settings.limits.held_refusals,
            held: AtomicUsize::new(0),
            addresses: Mutex::default(),
        })
    }

    /// Answers a handshake with a refusal, after a while.
    pub async fn refuse(&self, request: &HttpRequest, status: StatusCode, text: &str) -> HttpResponse {
        let delay = self.next_delay(ClientAddress::of(request).ip.map(site), status);
        let held = Held(&self.held);
        if self.held.fetch_add(1, Ordering::Relaxed) < self.most_held {
            tokio::time::sleep(delay).await;
        }
        drop(held);
        let mut response = HttpResponse::build(status);
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            response.insert_header((header::RETRY_AFTER, "5"));
        }
        response.json(json!({ "message": text }))
    }

    /// Returns how many refusals are being held back.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// The more often an address is refused, the longer it waits; not for what is no fault of its own.
    fn next_delay(&self, address: Option<IpAddr>, status: StatusCode) -> Duration {
        if status == StatusCode::SERVICE_UNAVAILABLE {
            return self.first_delay;
        }
        let refused = self.record(address);
        // Once when it begins and once when it does not stop: a client without back-off would fill the log.
        if refused == 1 || refused == 10 {
            let repeats = refused - 1;
            warn!(status = status.as_u16(), repeats; "handshake refused");
        }
        (self.first_delay + self.first_delay / 2 * (refused - 1).min(1000)).min(self.most_delay)
    }

    /// Counts a refusal; returns how many of late.
    fn record(&self, address: Option<IpAddr>) -> u32 {
        let now = Instant::now();
        let mut addresses = self.lock();
        if addresses.len() >= MOST_ADDRESSES && !addresses.contains_key(&address) {
            addresses.retain(|_, record| now.duration_since(record.latest) < MEMORY);
            if addresses.len() >= MOST_ADDRESSES {
                addresses.clear();
            }
        }
        let blank = Record { refused: 0, latest: now };
        let record = addresses.entry(address).or_insert(blank);
        if now.duration_since(record.latest) >= MEMORY {
            *record = blank;
        }
        record.latest = now;
        record.refused = record.refused.saturating_add(1);
        record.refused
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Option<IpAddr>, Record>> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_again_waits_longer_up_to_a_bound_and_others_do_not() {
        let refusals = Refusals::new(&EngineSettings::default());
        let address = |last| Some(IpAddr::from([192, 0, 2, last]));
        let delay = |last| refusals.next_delay(address(last), StatusCode::UNAUTHORIZED).as_millis();
        assert_eq!([delay(1), delay(1), delay(1)], [1000, 1500, 2000]);
        for _ in 0..100 {
            delay(1);
        }
        assert_eq!(delay(1), 8000);
        assert_eq!(delay(2), 1000);
    }

    #[test]
    fn memory_of_addresses_is_bounded() {
        let refusals = Refusals::new(&EngineSettings::default());
        for n in 0..3 * MOST_ADDRESSES as u32 {
            refusals.next_delay(Some(IpAddr::from(n.to_be_bytes())), StatusCode::UNAUTHORIZED);
        }
        assert!(refusals.lock().len() <= MOST_ADDRESSES);
    }
}
