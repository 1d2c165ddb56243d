//! Requests to the REST API: method, target and form. Who sends them adds the host and the credentials.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::twilio::{AccountSid, CallSid, ConferenceSid, Form, PhoneNumber, StreamUrl};

/// What may stand in a path segment or a query value as it is: RFC 3986's unreserved characters.
const ENCODE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Every target begins with the version of the API.
const ROOT: &str = "/2010-04-01/Accounts";

/// Most entries that Twilio puts on one page.
const PAGE_SIZE: u32 = 1000;

/// The status of calls and conferences that go on.
pub const IN_PROGRESS: &str = "in-progress";

/// The two methods that are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads; may be repeated.
    Get,
    /// Changes something.
    Post,
}

/// One request without host and credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestRequest {
    /// How.
    pub method: Method,
    /// Path and query, encoded.
    pub target: String,
    /// The body of a POST.
    pub form: Form,
}

/// What is to be changed about a number; what is none stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NumberChange {
    /// Asked when a call comes in.
    pub voice_url: Option<String>,
    /// How: `POST` or `GET`.
    pub voice_method: Option<String>,
    /// Told when a call ends.
    pub status_callback: Option<String>,
    /// How: `POST` or `GET`.
    pub status_callback_method: Option<String>,
    /// The TwiML application that would be asked instead; empty detaches it.
    pub voice_application_sid: Option<String>,
    /// The trunk that would take the calls instead; empty detaches it.
    pub trunk_sid: Option<String>,
}

/// A stream to start on a call that goes on: the same as `<Start><Stream>` says in TwiML.
#[derive(Debug, Clone, Copy)]
pub struct NewStream<'a> {
    /// Name of the stream, unique in its call for all the call's life.
    pub name: &'a str,
    /// Our media socket.
    pub url: &'a StreamUrl,
    /// Where stream events are posted.
    pub status_callback: &'a str,
    /// Names and values that arrive in `start`; at most 99.
    pub parameters: &'a [(&'a str, &'a str)],
}

impl RestRequest {
    /// Asks for the account itself.
    pub fn account(account: &AccountSid) -> Self {
        Self::get(format!("{ROOT}/{}.json", encode(account.as_str())))
    }

    /// Asks for the account's numbers; with `number`, for those that contain it, which is how Twilio filters.
    pub fn numbers(account: &AccountSid, number: Option<&PhoneNumber>) -> Self {
        let filter = number.map(|number| format!("&PhoneNumber={}", encode(number.as_str())));
        Self::get(format!(
            "{ROOT}/{}/IncomingPhoneNumbers.json?PageSize={PAGE_SIZE}{}",
            encode(account.as_str()),
            filter.unwrap_or_default()
        ))
    }

    /// Changes the number with this sid (`PN…`).
    pub fn change_number(account: &AccountSid, number_sid: &str, change: &NumberChange) -> Self {
        Self::post(
            format!("{ROOT}/{}/IncomingPhoneNumbers/{}.json", encode(account.as_str()), encode(number_sid)),
            Form::from_pairs(change.fields()),
        )
    }

    /// Asks for the calls to `number` that are `in-progress`, `completed` or another status of Twilio's.
    pub fn calls_to(account: &AccountSid, number: &PhoneNumber, status: &str) -> Self {
        Self::get(format!(
            "{ROOT}/{}/Calls.json?To={}&Status={}&PageSize={PAGE_SIZE}",
            encode(account.as_str()),
            encode(number.as_str()),
            encode(status)
        ))
    }

    /// Asks for one call.
    pub fn call(account: &AccountSid, call: &CallSid) -> Self {
        Self::get(format!("{ROOT}/{}/Calls/{}.json", encode(account.as_str()), encode(call.as_str())))
    }

    /// Asks for the conferences that go on.
    pub fn conferences(account: &AccountSid) -> Self {
        Self::get(format!(
            "{ROOT}/{}/Conferences.json?Status={IN_PROGRESS}&PageSize={PAGE_SIZE}",
            encode(account.as_str())
        ))
    }

    /// Asks who is in a conference.
    pub fn participants(account: &AccountSid, conference: &ConferenceSid) -> Self {
        Self::get(format!(
            "{ROOT}/{}/Conferences/{}/Participants.json?PageSize={PAGE_SIZE}",
            encode(account.as_str()),
            encode(conference.as_str())
        ))
    }

    /// Starts a stream of what the caller says; the call goes on as it is.
    pub fn start_stream(account: &AccountSid, call: &CallSid, stream: &NewStream<'_>) -> Self {
        let mut fields = vec![
            ("Url".to_owned(), stream.url.as_str()),
            ("Name".to_owned(), stream.name),
            ("Track".to_owned(), "inbound_track"),
            ("StatusCallback".to_owned(), stream.status_callback),
            ("StatusCallbackMethod".to_owned(), "POST"),
        ];
        for (number, (name, value)) in (1..).zip(stream.parameters) {
            fields.push((format!("Parameter{number}.Name"), name));
            fields.push((format!("Parameter{number}.Value"), value));
        }
        let calls = format!("{ROOT}/{}/Calls", encode(account.as_str()));
        Self::post(format!("{calls}/{}/Streams.json", encode(call.as_str())), Form::from_pairs(fields))
    }

    /// Stops the stream of a call that has this name.
    pub fn stop_stream(account: &AccountSid, call: &CallSid, name: &str) -> Self {
        let calls = format!("{ROOT}/{}/Calls", encode(account.as_str()));
        Self::post(
            format!("{calls}/{}/Streams/{}.json", encode(call.as_str()), encode(name)),
            Form::from_pairs([("Status", "stopped")]),
        )
    }

    /// Asks for the page that another one named; none when its target is not one of this API's, to which alone the
    /// credentials may go.
    pub fn next_page(next_page_uri: &str) -> Option<Self> {
        let is_ours = next_page_uri.starts_with("/2010-04-01/")
            && next_page_uri.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        is_ours.then(|| Self::get(next_page_uri.to_owned()))
    }

    fn get(target: String) -> Self {
        Self { method: Method::Get, target, form: Form::default() }
    }

    fn post(target: String, form: Form) -> Self {
        Self { method: Method::Post, target, form }
    }
}

impl NumberChange {
    /// Returns the fields of the form, by Twilio's names.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let fields = [
            ("VoiceUrl", &self.voice_url),
            ("VoiceMethod", &self.voice_method),
            ("StatusCallback", &self.status_callback),
            ("StatusCallbackMethod", &self.status_callback_method),
            ("VoiceApplicationSid", &self.voice_application_sid),
            ("TrunkSid", &self.trunk_sid),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
    }
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODE).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> AccountSid {
        AccountSid::parse("ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1").unwrap()
    }

    #[test]
    fn targets_are_those_of_the_reference() {
        let number = PhoneNumber::parse("+14155550100").unwrap();
        let call = CallSid::parse("CA/1").unwrap();
        let root = "/2010-04-01/Accounts/ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";
        for (request, target) in [
            (RestRequest::account(&account()), ".json"),
            (RestRequest::numbers(&account(), None), "/IncomingPhoneNumbers.json?PageSize=1000"),
            (
                RestRequest::numbers(&account(), Some(&number)),
                "/IncomingPhoneNumbers.json?PageSize=1000&PhoneNumber=%2B14155550100",
            ),
            (
                RestRequest::calls_to(&account(), &number, "in-progress"),
                "/Calls.json?To=%2B14155550100&Status=in-progress&PageSize=1000",
            ),
            (RestRequest::call(&account(), &call), "/Calls/CA%2F1.json"),
            (RestRequest::conferences(&account()), "/Conferences.json?Status=in-progress&PageSize=1000"),
            (
                RestRequest::participants(&account(), &ConferenceSid::parse("CF1").unwrap()),
                "/Conferences/CF1/Participants.json?PageSize=1000",
            ),
        ] {
            assert_eq!(request.target, format!("{root}{target}"));
            assert_eq!((request.method, request.form.is_empty()), (Method::Get, true));
        }
    }

    #[test]
    fn a_change_names_what_changes_and_nothing_else() {
        let change = NumberChange {
            voice_url: Some("https://bridge.example.com/twilio/twiml".to_owned()),
            trunk_sid: Some(String::new()),
            ..NumberChange::default()
        };
        let request = RestRequest::change_number(&account(), "PN1", &change);
        assert_eq!(request.method, Method::Post);
        assert!(request.target.ends_with("/IncomingPhoneNumbers/PN1.json"), "{}", request.target);
        assert_eq!(
            request.form.encode(),
            "VoiceUrl=https%3A%2F%2Fbridge.example.com%2Ftwilio%2Ftwiml&TrunkSid="
        );
    }

    #[test]
    fn a_stream_is_asked_for_with_what_twiml_would_say() {
        let url = StreamUrl::parse("wss://bridge.example.com/twilio/media").unwrap();
        let stream = NewStream {
            name: "leg-CA1-7",
            url: &url,
            status_callback: "https://bridge.example.com/e",
            parameters: &[("from", "+12125550123"), ("room", "room 7")],
        };
        let call = CallSid::parse("CA1").unwrap();
        let request = RestRequest::start_stream(&account(), &call, &stream);
        assert_eq!(request.method, Method::Post);
        assert!(request.target.ends_with("/Calls/CA1/Streams.json"), "{}", request.target);
        assert_eq!(
            request.form.encode(),
            "Url=wss%3A%2F%2Fbridge.example.com%2Ftwilio%2Fmedia&Name=leg-CA1-7&Track=inbound_track\
             &StatusCallback=https%3A%2F%2Fbridge.example.com%2Fe&StatusCallbackMethod=POST\
             &Parameter1.Name=from&Parameter1.Value=%2B12125550123&Parameter2.Name=room&Parameter2.Value=room+7"
        );
        let request = RestRequest::stop_stream(&account(), &call, "leg-CA1-7");
        assert!(request.target.ends_with("/Calls/CA1/Streams/leg-CA1-7.json"), "{}", request.target);
        assert_eq!((request.method, request.form.encode()), (Method::Post, "Status=stopped".to_owned()));
    }

    #[test]
    fn a_next_page_elsewhere_is_not_asked_for() {
        let next = "/2010-04-01/Accounts/AC1/Calls.json?Page=1&PageToken=PACA1";
        assert_eq!(RestRequest::next_page(next).unwrap().target, next);
        for other in [
            "https://evil.example.com/2010-04-01/",
            "//evil.example.com/",
            "@evil.example.com/",
            "/2010-04-01/ x",
            "",
        ] {
            assert_eq!(RestRequest::next_page(other), None, "{other}");
        }
    }
}
