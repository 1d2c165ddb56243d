//! The callers: two in each conference, all speaking, one after the other replaced.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};

use crate::support::bridge::Bridge;
use crate::support::caller::{Call, Caller};

/// Audio of one word.
pub const WORD_MS: u64 = 400;
const FRAME_MS: u64 = 20;
const FRAMES_OF_A_WORD: usize = (WORD_MS / FRAME_MS) as usize;
const FRAMES_A_SECOND: usize = 1000 / FRAME_MS as usize;

struct Leg {
    call: Call,
    room: usize,
    frames: usize,
}

/// All callers, those that have left included.
pub struct Legs {
    live: Vec<Leg>,
    /// By the caller's number: the conference, and when the frame with which a word is over was written, word by word.
    words: HashMap<String, (usize, Vec<Instant>)>,
    /// Callers who came after the first ones.
    later: Vec<String>,
    next: usize,
}

impl Legs {
    /// Connects two callers to each conference.
    pub async fn call(bridge: &Bridge, conferences: usize) -> Self {
        let mut legs = Self { live: Vec::new(), words: HashMap::new(), later: Vec::new(), next: 0 };
        for room in 0..2 * conferences {
            let leg = legs.new_leg(bridge, room / 2).await;
            legs.live.push(leg);
        }
        legs
    }

    async fn new_leg(&mut self, bridge: &Bridge, room: usize) -> Leg {
        let from = format!("+1310555{:04}", self.next);
        self.next += 1;
        let call = Caller::new(&from).call(bridge, &format!("?room={}", name_of(room))).await;
        Leg { call, room, frames: 0 }
    }

    pub fn live(&self) -> usize {
        self.live.len()
    }

    /// Updates since all were there: one who leaves, one who comes.
    pub fn changes(&self) -> usize {
        2 * self.later.len()
    }

    /// The numbers of those who came later.
    pub fn later(&self) -> &[String] {
        &self.later
    }

    /// When each word was over, of everybody who spoke in a conference.
    pub fn words_in(&self, room: usize) -> Vec<(&str, &[Instant])> {
        let of_room = self.words.iter().filter(|(_, (of, _))| *of == room);
        of_room.map(|(from, (_, words))| (from.as_str(), words.as_slice())).collect()
    }

    /// Speaks, each leg a frame every 20 ms; once a second the next leg is replaced.
    pub async fn speak(&mut self, bridge: &Bridge, time: Duration) {
        let mut pace = interval(Duration::from_millis(FRAME_MS));
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let until = Instant::now() + time;
        let mut ticks = 0;
        while Instant::now() < until {
            pace.tick().await;
            ticks += 1;
            for leg in &mut self.live {
                leg.call.speak(1).await;
                leg.frames += 1;
                if leg.frames % FRAMES_OF_A_WORD == 0 {
                    let from = leg.call.caller.from.clone();
                    self.words.entry(from).or_insert((leg.room, Vec::new())).1.push(Instant::now());
                }
            }
            if ticks % FRAMES_A_SECOND == 0 {
                self.replace(bridge, ticks / FRAMES_A_SECOND).await;
            }
        }
    }

    /// One leaves and another comes into the same conference.
    async fn replace(&mut self, bridge: &Bridge, number: usize) {
        let place = number % self.live.len();
        let room = self.live[place].room;
        let leg = self.new_leg(bridge, room).await;
        self.later.push(leg.call.caller.from.clone());
        let mut gone = std::mem::replace(&mut self.live[place], leg);
        gone.call.stop().await;
        gone.call.socket.send_close(Some(1000)).await;
    }

    /// All leave.
    pub async fn hang_up(self, bridge: &Bridge) {
        for mut leg in self.live {
            leg.call.hang_up(bridge).await;
        }
    }
}

/// The name of a conference's room.
pub fn name_of(room: usize) -> String {
    format!("conference-{room}")
}
