//! Who talked how long, over whom, how fast.
//!
//! Silence is the time of the call in which nobody talks (overlaps counted once), talk time is the sum over members, so
//! with overlaps the two add up to more than the call. Percents of both are of their sum, as the protocol's sample has it.

/// Times of two members over one another are kept for this many members; beyond it the table would grow too large.
const MEMBERS_WITH_OVERLAP: usize = 256;

/// One stretch of talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Talk {
    /// Who talks: an index below the number of members. Talk of others is left out.
    pub member: usize,
    /// Start in milliseconds.
    pub start_ms: i64,
    /// End in milliseconds; talk that ends before it starts has no length.
    pub end_ms: i64,
    /// Words said.
    pub words: u32,
}

/// A time and its share, both rounded to three places.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Share {
    /// 0 to 100; of overlap it may be more when many talk at once.
    pub percent: f64,
    /// Seconds.
    pub seconds: f64,
}

/// Time in which two members talked at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Partner {
    /// The other member.
    pub member: usize,
    /// The time; its percent is of what the two talked together.
    pub overlap: Share,
}

/// What one member did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MemberAnalytics {
    /// Words a minute of talk.
    pub words_per_minute: u32,
    /// Own talk, percent of everybody's.
    pub talk: Share,
    /// The others' talk.
    pub listen: Share,
    /// Seconds of talk at once with somebody, summed over partners.
    pub overlap_seconds: f64,
    /// With whom.
    pub partners: Vec<Partner>,
}

/// What a whole conversation looks like.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Analytics {
    /// Nobody talks.
    pub silence: Share,
    /// Somebody talks, summed over members.
    pub talk: Share,
    /// Two members at once, summed over pairs; percent of talk.
    pub overlap: Share,
    /// By member.
    pub members: Vec<MemberAnalytics>,
}

/// Returns the analytics of a conversation; the order of `talks` is of no matter.
pub fn analyse(members: usize, talks: &[Talk]) -> Analytics {
    let mut words = vec![0_u64; members];
    let mut sorted: Vec<Talk> = Vec::with_capacity(talks.len());
    for talk in talks.iter().filter(|talk| talk.member < members) {
        words[talk.member] += u64::from(talk.words);
        if talk.end_ms > talk.start_ms {
            sorted.push(*talk);
        }
    }
    sorted.sort_unstable_by_key(|talk| (talk.start_ms, talk.end_ms, talk.member));
    let merged = merge_own(members, &sorted);
    let mut talked = vec![0_i64; members];
    for talk in &merged {
        talked[talk.member] = talked[talk.member].saturating_add(talk.end_ms.saturating_sub(talk.start_ms));
    }
    let total: i64 = talked.iter().fold(0, |sum, &talk| sum.saturating_add(talk));
    let silence = silence(&merged);
    let pairs = overlaps(members, &merged);

    let mut analytics = Analytics {
        silence: share(silence, total.saturating_add(silence)),
        talk: share(total, total.saturating_add(silence)),
        overlap: share(pairs.iter().fold(0, |sum, pair| sum.saturating_add(pair.2)), total),
        members: (0..members)
            .map(|member| MemberAnalytics {
                words_per_minute: words_per_minute(words[member], talked[member]),
                talk: share(talked[member], total),
                listen: share(total - talked[member], total),
                ..MemberAnalytics::default()
            })
            .collect(),
    };
    for (first, second, overlap) in pairs {
        let both = share(overlap, talked[first].saturating_add(talked[second]));
        for (member, partner) in [(first, second), (second, first)] {
            let one = &mut analytics.members[member];
            one.overlap_seconds = rounded(one.overlap_seconds + seconds(overlap));
            one.partners.push(Partner { member: partner, overlap: both });
        }
    }
    analytics
}

/// Returns the talks with every member's own overlapping ones made one, in order of start.
fn merge_own(members: usize, sorted: &[Talk]) -> Vec<Talk> {
    let mut merged: Vec<Talk> = Vec::with_capacity(sorted.len());
    let mut last_of: Vec<Option<usize>> = vec![None; members];
    for talk in sorted {
        match last_of[talk.member].and_then(|index| merged.get_mut(index)) {
            Some(last) if talk.start_ms <= last.end_ms => last.end_ms = last.end_ms.max(talk.end_ms),
            _ => {
                last_of[talk.member] = Some(merged.len());
                merged.push(*talk);
            }
        }
    }
    merged
}

/// Returns the milliseconds between first start and last end in which nobody talks.
fn silence(sorted: &[Talk]) -> i64 {
    let mut silence = 0_i64;
    let Some(mut heard_until) = sorted.first().map(|talk| talk.start_ms) else { return 0 };
    for talk in sorted {
        silence = silence.saturating_add(talk.start_ms.saturating_sub(heard_until).max(0));
        heard_until = heard_until.max(talk.end_ms);
    }
    silence
}

/// Returns the milliseconds every two members talk at once, pairs without any left out, in order of members.
///
/// Sweeps over starts with the current talk of each member: work is talks times members who talk at that moment.
fn overlaps(members: usize, sorted: &[Talk]) -> Vec<(usize, usize, i64)> {
    let tracked = members.min(MEMBERS_WITH_OVERLAP);
    let mut times = vec![0_i64; tracked * tracked];
    let mut talking: Vec<&Talk> = Vec::new();
    for talk in sorted.iter().filter(|talk| talk.member < tracked) {
        talking.retain(|other| other.end_ms > talk.start_ms);
        for other in &talking {
            let (first, second) = (talk.member.min(other.member), talk.member.max(other.member));
            let time = &mut times[first * tracked + second];
            *time = time.saturating_add(talk.end_ms.min(other.end_ms).saturating_sub(talk.start_ms));
        }
        talking.push(talk);
    }
    let pair = |(index, &time): (usize, &i64)| (index / tracked, index % tracked, time);
    times.iter().enumerate().filter(|(_, time)| **time > 0).map(pair).collect()
}

fn share(part_ms: i64, whole_ms: i64) -> Share {
    let percent = if whole_ms > 0 { 100.0 * part_ms as f64 / whole_ms as f64 } else { 0.0 };
    Share { percent: rounded(percent), seconds: rounded(seconds(part_ms)) }
}

fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn words_per_minute(words: u64, talked_ms: i64) -> u32 {
    if talked_ms <= 0 {
        return 0;
    }
    // The cast saturates: a rate above four thousand million is a broken clock.
    (words as f64 * 60_000.0 / talked_ms as f64).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk(member: usize, start_ms: i64, end_ms: i64, words: u32) -> Talk {
        Talk { member, start_ms, end_ms, words }
    }

    #[test]
    fn the_protocols_sample_comes_out_to_the_digit() {
        // 108 s and 86 s of talk, 8 s of it at once, 56 s of silence; 142 words a minute.
        let talks = [talk(0, 0, 108_000, 256), talk(1, 100_000, 108_000, 20), talk(1, 164_000, 242_000, 180)];
        let found = analyse(2, &talks);
        assert_eq!(found.silence, Share { percent: 22.4, seconds: 56.0 });
        assert_eq!(found.talk, Share { percent: 77.6, seconds: 194.0 });
        assert_eq!(found.overlap, Share { percent: 4.124, seconds: 8.0 });
        assert_eq!(found.members[0].words_per_minute, 142);
        assert_eq!(found.members[0].talk, Share { percent: 55.67, seconds: 108.0 });
        assert_eq!(found.members[0].listen, Share { percent: 44.33, seconds: 86.0 });
        assert_eq!(found.members[0].partners[0].overlap, Share { percent: 4.124, seconds: 8.0 });
        assert!((found.members[1].overlap_seconds - 8.0).abs() < 1e-9);
    }

    #[test]
    fn percents_sum_to_a_hundred_whatever_the_order() {
        let mut seed = 7_u64;
        let mut random = move |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        for _ in 0..200 {
            let members = 1 + random(4) as usize;
            let mut talks: Vec<Talk> = (0..1 + random(30))
                .map(|_| {
                    let start = random(60_000) as i64;
                    talk(
                        random(members as u64) as usize,
                        start,
                        start + 1 + random(9000) as i64,
                        random(40) as u32,
                    )
                })
                .collect();
            let forward = analyse(members, &talks);
            talks.reverse();
            assert_eq!(analyse(members, &talks), forward);
            assert!((forward.silence.percent + forward.talk.percent - 100.0).abs() < 0.0021);
            let shares: f64 = forward.members.iter().map(|member| member.talk.percent).sum();
            assert!((shares - 100.0).abs() < 0.0031, "{shares}");
            let partners: f64 = forward.members.iter().map(|member| member.overlap_seconds).sum();
            assert!((partners - 2.0 * forward.overlap.seconds).abs() < 0.02);
        }
    }

    #[test]
    fn nothing_said_and_broken_times_divide_by_nothing() {
        assert_eq!(analyse(0, &[]), Analytics::default());
        for broken in
            [talk(0, 5, 5, 3), talk(0, 9, 2, 3), talk(7, 0, 10, 3), talk(0, i64::MIN, i64::MAX, u32::MAX)]
        {
            let found = analyse(1, &[broken, broken]);
            assert!(found.members[0].talk.percent.is_finite());
        }
    }

    #[test]
    fn somebody_who_repeats_a_stretch_talks_it_once() {
        let found = analyse(1, &[talk(0, 0, 4000, 5), talk(0, 2000, 6000, 5)]);
        assert!((found.talk.seconds - 6.0).abs() < 1e-9);
        assert_eq!(found.overlap, Share::default());
    }
}
