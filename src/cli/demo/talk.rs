//! Who talked how much, read back from the engine over REST when the call is over (`symbl-protocol` 4.1).

use serde_json::Value;

/// Returns one line about who talked how much; nothing when the engine does not say.
pub(super) async fn read(
    http: &awc::Client,
    base: &str,
    token: &str,
    conversation_id: &str,
) -> Option<String> {
    let asked = http.get(format!("{base}/v1/conversations/{conversation_id}/analytics"));
    let mut response = asked.bearer_auth(token).send().await.ok()?;
    if !response.status().is_success() {
        return None;
    }
    line(&response.json::<Value>().await.ok()?)
}

fn line(analytics: &Value) -> Option<String> {
    let members = analytics["members"].as_array().filter(|members| !members.is_empty())?;
    let share = |member: &Value| {
        let name = member["name"].as_str().unwrap_or("somebody");
        let percentage = member["talkTime"]["percentage"].as_f64().unwrap_or_default();
        let pace = member["pace"]["wpm"].as_u64().unwrap_or_default();
        format!("{name} {percentage:.0} % at {pace} words a minute")
    };
    let shares: Vec<String> = members.iter().map(share).collect();
    let metrics = analytics["metrics"].as_array()?;
    let silence = metrics.iter().find(|metric| metric["type"] == "total_silence")?["percent"].as_f64()?;
    Some(format!("{}; silence {silence:.0} % of the call", shares.join(", ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_line_names_each_member_and_the_silence() {
        let analytics = json!({
            "metrics": [{ "type": "total_silence", "percent": 22.4, "seconds": 56.0 }],
            "members": [
                { "name": "Agent", "pace": { "wpm": 142 }, "talkTime": { "percentage": 55.7, "seconds": 108.0 } },
                { "name": "Customer", "pace": { "wpm": 120 }, "talkTime": { "percentage": 44.3, "seconds": 86.0 } },
            ],
        });
        assert_eq!(
            line(&analytics).unwrap(),
            "Agent 56 % at 142 words a minute, Customer 44 % at 120 words a minute; silence 22 % of the call"
        );
        assert_eq!(line(&json!({ "metrics": [], "members": [] })), None);
    }
}
