//! The oracle for audio: what the server accepted, joined across a leg's connections, against what the caller said.

/// The callers' audio is random: so many bytes occur at one place only.
const RECOGNISABLE: usize = 32;

/// Checks that each connection got one unbroken run of what was said, beginning no later than where the ones before it
/// had ended, and that together they got all of it. Gives the position at which each run begins.
pub(crate) fn joined(connections: &[Vec<u8>], said: &[u8]) -> Result<Vec<usize>, String> {
    let mut starts = Vec::new();
    let mut end = 0;
    for (number, heard) in connections.iter().enumerate().filter(|(_, heard)| !heard.is_empty()) {
        let key = &heard[..heard.len().min(RECOGNISABLE)];
        let start = said
            .windows(key.len())
            .position(|window| window == key)
            .ok_or_else(|| format!("connection {number} begins with audio that nobody said"))?;
        let same = heard.iter().zip(&said[start..]).take_while(|(heard, said)| heard == said).count();
        if same < heard.len() {
            return Err(format!(
                "connection {number} breaks off the run after {same} of {} bytes",
                heard.len()
            ));
        }
        if start > end {
            return Err(format!("bytes {end} to {start} are missing before connection {number}"));
        }
        end = end.max(start + heard.len());
        starts.push(start);
    }
    if end < said.len() { Err(format!("only {end} of {} bytes came", said.len())) } else { Ok(starts) }
}

#[cfg(test)]
mod tests {
    use super::joined;
    use crate::support::caller::Random;

    #[test]
    fn overlap_is_no_fault_and_holes_disorder_and_lost_ends_are() {
        let said = Random::new(3).bytes(1000);
        let runs = |ranges: &[(usize, usize)]| {
            let connections: Vec<Vec<u8>> =
                ranges.iter().map(|(from, to)| said[*from..*to].to_vec()).collect();
            joined(&connections, &said)
        };
        assert_eq!(runs(&[(0, 1000)]), Ok(vec![0]));
        assert_eq!(runs(&[(0, 600), (200, 200), (400, 1000)]), Ok(vec![0, 400]));
        assert_eq!(runs(&[(0, 600), (600, 700), (650, 1000)]), Ok(vec![0, 600, 650]));
        assert!(runs(&[(0, 600), (601, 1000)]).is_err(), "a hole");
        assert!(runs(&[(100, 1000)]).is_err(), "no beginning");
        assert!(runs(&[(0, 600), (400, 999)]).is_err(), "no end");
        assert!(runs(&[]).is_err(), "nothing");
        let mut wrong = said.clone();
        wrong[500] ^= 1;
        assert!(joined(&[wrong], &said).is_err(), "another byte");
        let twice = [&said[..500], &said[400..]].concat();
        assert!(joined(&[twice], &said).is_err(), "a repetition within one connection");
    }
}
