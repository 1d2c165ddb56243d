//! How often an address may do something: an allowance that refills steadily, for many addresses at once.
//!
//! One time stamp an address (the generic cell rate algorithm): when its allowance will be whole again. The crate
//! `governor` does the same over a concurrent map without a bound; the bound is what matters here.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Addresses that are remembered at once; at the bound, the half that has used least is forgotten.
const MOST_ADDRESSES: usize = 8192;

/// An allowance is whole again after so long.
const WINDOW: Duration = Duration::from_secs(60);

/// An allowance a minute, for each address.
#[derive(Debug)]
pub struct Rates {
    /// What one use costs; none: no limit.
    cost: Option<Duration>,
    /// When an address's allowance is whole again; absent: it is.
    whole_again: Mutex<HashMap<IpAddr, Instant>>,
}

impl Rates {
    /// Returns rates of so many uses a minute, all of which may come at once; none: no limit.
    pub fn per_minute(allowance: Option<u32>) -> Self {
        let cost = allowance.map(|allowance| WINDOW / allowance.max(1));
        Self { cost, whole_again: Mutex::default() }
    }

    /// Returns how long an address must wait for its next use; none: it need not.
    pub fn wait(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let cost = self.cost?;
        let whole_again = *self.lock().get(&address)?;
        let too_far = (whole_again + cost).saturating_duration_since(now).saturating_sub(WINDOW);
        (!too_far.is_zero()).then_some(too_far)
    }

    /// Uses one, even if none is left; returns whether this was the last.
    pub fn charge(&self, address: IpAddr, now: Instant) -> bool {
        let Some(cost) = self.cost else { return false };
        let was_left = self.wait(address, now).is_none();
        let mut whole_again = self.lock();
        if whole_again.len() >= MOST_ADDRESSES && !whole_again.contains_key(&address) {
            forget_half(&mut whole_again, now);
        }
        let entry = whole_again.entry(address).or_insert(now);
        // Never further than the window: who goes on is not locked out for longer than who stops.
        *entry = ((*entry).max(now) + cost).min(now + WINDOW);
        drop(whole_again);
        was_left && self.wait(address, now).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Instant>> {
        self.whole_again.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets whose allowance is whole, and then, if need be, the half that has used least.
fn forget_half(whole_again: &mut HashMap<IpAddr, Instant>, now: Instant) {
    whole_again.retain(|_, at| *at > now);
    if whole_again.len() >= MOST_ADDRESSES / 2 {
        let mut times: Vec<Instant> = whole_again.values().copied().collect();
        let (_, middle, _) = times.select_nth_unstable(whole_again.len() / 2);
        let middle = *middle;
        whole_again.retain(|_, at| *at > middle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> IpAddr {
        IpAddr::from(number.to_be_bytes())
    }

    #[test]
    fn an_allowance_is_used_up_refills_steadily_and_is_each_addresss_own() {
        let rates = Rates::per_minute(Some(3));
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(
            [0, 0, 0, 0].map(|second| rates.charge(address(1), at(second))),
            [false, false, true, false]
        );
        assert_eq!(rates.wait(address(1), at(0)), Some(Duration::from_secs(20)));
        assert_eq!(rates.wait(address(2), at(0)), None);
        assert_eq!(rates.wait(address(1), at(20)), None);
        assert!(rates.charge(address(1), at(20)), "only one had refilled");
        assert_eq!(rates.wait(address(1), at(79)), None);
        assert_eq!([80, 80, 80].map(|second| rates.charge(address(1), at(second))), [false, false, true]);
    }

    #[test]
    fn without_an_allowance_there_is_no_limit() {
        let rates = Rates::per_minute(None);
        assert!(!rates.charge(address(1), Instant::now()));
        assert_eq!(rates.wait(address(1), Instant::now()), None);
    }

    #[test]
    fn memory_is_bounded_and_those_who_are_limited_are_remembered_longest() {
        let rates = Rates::per_minute(Some(2));
        let now = Instant::now();
        for _ in 0..2 {
            rates.charge(address(u32::MAX), now);
        }
        for number in 0..3 * MOST_ADDRESSES as u32 {
            rates.charge(address(number), now);
            assert!(rates.lock().len() <= MOST_ADDRESSES);
        }
        assert!(rates.wait(address(u32::MAX), now).is_some());
    }
}
