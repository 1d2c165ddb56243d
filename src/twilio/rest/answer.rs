//! Answers of the REST API. Every field may be null or missing, and what is not used is not read (`twilio-protocol` 6.4).

use serde::{Deserialize, Deserializer};

/// An answer is not what was asked for. The text says where and nothing of the content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer is not the {what} that was asked for (line {line} column {column})")]
pub struct BadAnswer {
    what: &'static str,
    line: usize,
    column: usize,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// `active`, `suspended`, `closed`.
    #[serde(default, deserialize_with = "text")]
    pub status: String,
    /// `Full`, `Trial`.
    #[serde(default, rename = "type", deserialize_with = "text")]
    pub kind: String,
}

/// A number of the account, and what happens when it is called.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct IncomingNumber {
    /// `PN…`.
    pub sid: String,
    /// In E.164.
    pub phone_number: String,
    /// Asked when a call comes in.
    #[serde(default, deserialize_with = "text")]
    pub voice_url: String,
    /// How.
    #[serde(default, deserialize_with = "text")]
    pub voice_method: String,
    /// A TwiML application; where there is one, the two above count for nothing.
    #[serde(default, deserialize_with = "text")]
    pub voice_application_sid: String,
    /// A SIP trunk; where there is one, all of the above counts for nothing.
    #[serde(default, deserialize_with = "text")]
    pub trunk_sid: String,
    /// Told when a call ends.
    #[serde(default, deserialize_with = "text")]
    pub status_callback: String,
    /// How.
    #[serde(default, deserialize_with = "text")]
    pub status_callback_method: String,
    /// What the number can do.
    #[serde(default)]
    pub capabilities: Capabilities,
}

/// What a number can do; all, when nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Capabilities {
    /// Whether it takes calls.
    #[serde(default = "yes")]
    pub voice: bool,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self { voice: true }
    }
}

/// Shows neither the number nor addresses, which may carry secrets of other applications.
impl std::fmt::Debug for IncomingNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IncomingNumber").field("sid", &self.sid).finish_non_exhaustive()
    }
}

/// A call as a list names it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Call {
    /// `CA…`.
    pub sid: String,
    /// For instance `in-progress`.
    #[serde(default, deserialize_with = "text")]
    pub status: String,
    /// `inbound`, `outbound-api`, `outbound-dial`.
    #[serde(default, deserialize_with = "text")]
    pub direction: String,
    /// Who calls.
    #[serde(default, deserialize_with = "text")]
    pub from: String,
    /// The number dialled.
    #[serde(default, deserialize_with = "text")]
    pub to: String,
}

/// Shows no number.
impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").field("sid", &self.sid).field("status", &self.status).finish_non_exhaustive()
    }
}

/// A conference as a list names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Conference {
    /// `CF…`.
    pub sid: String,
    /// The room's name.
    #[serde(default, deserialize_with = "text")]
    pub friendly_name: String,
}

/// Who is in a conference.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Participant {
    /// His call.
    pub call_sid: String,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// Its entries.
    pub entries: Vec<T>,
    /// The target of the next part.
    pub next: Option<String>,
}

#[derive(Deserialize)]
struct NumberList {
    incoming_phone_numbers: Vec<IncomingNumber>,
    next_page_uri: Option<String>,
}

#[derive(Deserialize)]
struct CallList {
    calls: Vec<Call>,
    next_page_uri: Option<String>,
}

#[derive(Deserialize)]
struct ConferenceList {
    conferences: Vec<Conference>,
    next_page_uri: Option<String>,
}

#[derive(Deserialize)]
struct ParticipantList {
    participants: Vec<Participant>,
    next_page_uri: Option<String>,
}

impl Account {
    /// Reads an account.
    pub fn parse(body: &[u8]) -> Result<Self, BadAnswer> {
        read("account", body)
    }
}

impl IncomingNumber {
    /// Reads one number, as a change answers with.
    pub fn parse(body: &[u8]) -> Result<Self, BadAnswer> {
        read("number", body)
    }

    /// Reads a list of numbers.
    pub fn page(body: &[u8]) -> Result<Page<Self>, BadAnswer> {
        let list: NumberList = read("list of numbers", body)?;
        Ok(Page { entries: list.incoming_phone_numbers, next: list.next_page_uri })
    }
}

impl Call {
    /// Reads one call.
    pub fn parse(body: &[u8]) -> Result<Self, BadAnswer> {
        read("call", body)
    }

    /// Reads a list of calls.
    pub fn page(body: &[u8]) -> Result<Page<Self>, BadAnswer> {
        let list: CallList = read("list of calls", body)?;
        Ok(Page { entries: list.calls, next: list.next_page_uri })
    }
}

impl Conference {
    /// Reads a list of conferences.
    pub fn page(body: &[u8]) -> Result<Page<Self>, BadAnswer> {
        let list: ConferenceList = read("list of conferences", body)?;
        Ok(Page { entries: list.conferences, next: list.next_page_uri })
    }
}

impl Participant {
    /// Reads a list of participants.
    pub fn page(body: &[u8]) -> Result<Page<Self>, BadAnswer> {
        let list: ParticipantList = read("list of participants", body)?;
        Ok(Page { entries: list.participants, next: list.next_page_uri })
    }
}

fn read<'a, T: Deserialize<'a>>(what: &'static str, body: &'a [u8]) -> Result<T, BadAnswer> {
    serde_json::from_slice(body).map_err(|fault| BadAnswer {
        what,
        line: fault.line(),
        column: fault.column(),
    })
}

/// Null is an empty text.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.unwrap_or_default())
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_list_of_calls_is_read() {
        let body = br#"{"calls":[{"sid":"CAb2","account_sid":"ACa1","parent_call_sid":null,"to":"+14155550100",
            "status":"in-progress","start_time":"Tue, 03 Mar 2026 10:15:00 +0000","duration":null,"direction":"inbound",
            "queue_time":"0","subresource_uris":{"streams":"/x"}}],"next_page_uri":null,"page":0,"page_size":50}"#;
        let page = Call::page(body).unwrap();
        let expected = Call {
            sid: "CAb2".to_owned(),
            status: "in-progress".to_owned(),
            direction: "inbound".to_owned(),
            from: String::new(),
            to: "+14155550100".to_owned(),
        };
        assert_eq!(page, Page { entries: vec![expected], next: None });
        assert!(!format!("{page:?}").contains("415"), "numbers are not for logs");
    }

    #[test]
    fn conferences_and_who_is_in_them_are_read() {
        let body = br#"{"conferences":[{"sid":"CF1","friendly_name":"room-7","status":"in-progress"}],"next_page_uri":"/n"}"#;
        let page = Conference::page(body).unwrap();
        assert_eq!((page.entries[0].friendly_name.as_str(), page.next.as_deref()), ("room-7", Some("/n")));
        let body =
            br#"{"participants":[{"call_sid":"CA1","label":null,"muted":false}],"next_page_uri":null}"#;
        assert_eq!(Participant::page(body).unwrap().entries[0].call_sid, "CA1");
    }

    #[test]
    fn null_and_missing_fields_of_a_number_are_empty() {
        let body =
            br#"{"incoming_phone_numbers":[{"sid":"PN1","phone_number":"+14155550100","voice_url":null,
            "capabilities":{"voice":false,"sms":true}},{"sid":"PN2","phone_number":"+14155550101"}],
            "next_page_uri":"/2010-04-01/Accounts/AC1/IncomingPhoneNumbers.json?Page=1"}"#;
        let page = IncomingNumber::page(body).unwrap();
        assert!(page.next.unwrap().ends_with("Page=1"));
        let [first, second] = &page.entries[..] else { panic!("two numbers") };
        assert_eq!(
            (first.voice_url.as_str(), first.trunk_sid.as_str(), first.capabilities.voice),
            ("", "", false)
        );
        assert!(second.capabilities.voice, "what is not said is taken for granted");
        assert!(!format!("{first:?}").contains("415"), "numbers are not for logs");
    }

    #[test]
    fn other_answers_are_refused_without_their_content() {
        for body in ["", "[]", "{\"calls\":7}", "<html>+14155550100</html>"] {
            let fault = Call::page(body.as_bytes()).unwrap_err().to_string();
            assert!(fault.contains("list of calls") && !fault.contains("415"), "{fault}");
        }
        let account = Account::parse(br#"{"status":"active","type":"Trial","auth_token":"sesame"}"#).unwrap();
        assert_eq!((account.status.as_str(), account.kind.as_str()), ("active", "Trial"));
        assert!(!format!("{account:?}").contains("sesame"));
    }
}
