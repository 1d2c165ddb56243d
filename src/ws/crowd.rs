//! How many are in: counted in all and by address, each with a cap, and counted out again by a drop guard.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Everybody who is in. Its map holds no more addresses than there are places.
#[derive(Debug)]
pub struct Crowd {
    most: usize,
    most_of_one_address: usize,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// Why nobody else gets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// All places are taken.
    #[error("too many in all")]
    InAll,
    /// The address has all the places that one may have.
    #[error("too many from one address")]
    ForAddress,
}

/// One who is in; dropping it counts it out.
#[derive(Debug)]
pub struct Place {
    crowd: Arc<Crowd>,
    address: Option<IpAddr>,
}

impl Crowd {
    /// Returns an empty crowd with so many places in all, and so many for one address.
    pub fn new(most: usize, most_of_one_address: usize) -> Arc<Self> {
        Arc::new(Self { most, most_of_one_address, inside: Mutex::default() })
    }

    /// Takes a place. Without an address it counts in all only.
    ///
    /// # Errors
    ///
    /// There is none left.
    pub fn enter(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Place, Full> {
        let mut inside = self.lock();
        if inside.all >= self.most {
            return Err(Full::InAll);
        }
        if let Some(address) = address {
            let taken = inside.by_address.get(&address).copied().unwrap_or(0);
            if taken >= self.most_of_one_address {
                return Err(Full::ForAddress);
            }
            inside.by_address.insert(address, taken + 1);
        }
        inside.all += 1;
        Ok(Place { crowd: Arc::clone(self), address })
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Counts it for its address no longer; in all it still counts.
    pub fn forget_address(&mut self) {
        if let Some(address) = self.address.take() {
            let mut inside = self.crowd.lock();
            if let Some(taken) = inside.by_address.get_mut(&address) {
                *taken -= 1;
                if *taken == 0 {
                    inside.by_address.remove(&address);
                }
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.forget_address();
        self.crowd.lock().all -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_never_takes_the_places_of_the_others_and_nothing_is_left_behind() {
        let crowd = Crowd::new(4, 2);
        let (flood, other) = (Some(IpAddr::from([192, 0, 2, 1])), Some(IpAddr::from([192, 0, 2, 2])));
        let mut places = vec![crowd.enter(flood).unwrap(), crowd.enter(flood).unwrap()];
        assert_eq!(crowd.enter(flood).unwrap_err(), Full::ForAddress);
        places.push(crowd.enter(other).unwrap());
        places[0].forget_address();
        places.push(crowd.enter(flood).unwrap());
        assert_eq!(crowd.enter(None).unwrap_err(), Full::InAll);
        places.pop();
        places.push(crowd.enter(None).unwrap());
        drop(places);
        let inside = crowd.lock();
        assert_eq!((inside.all, inside.by_address.len()), (0, 0));
    }
}
