//! What happens at Twilio when a number is called, and what should: the differences, and the change that ends them.

use url::Url;

use crate::twilio::PublicUrl;
use crate::twilio::rest::{IncomingNumber, NumberChange};

const METHOD: &str = "POST";

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    /// Twilio's name of the field.
    pub(super) field: &'static str,
    /// What it is; empty for nothing.
    pub(super) is: String,
    /// What it should be; empty for nothing.
    pub(super) should_be: String,
    /// Whether calls do not come in because of it.
    pub(super) stops_calls: bool,
}

impl Difference {
    /// Returns it in words. Addresses lose their query and their user, which are others' secrets at times.
    pub(super) fn in_words(&self) -> String {
        format!("{} is {}, should be {}", self.field, shown(&self.is), shown(&self.should_be))
    }
}

/// Returns all differences of a number, and none when Twilio does what this server needs.
pub(super) fn differences(number: &IncomingNumber, public: &PublicUrl) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut compare = |field, is: &str, should_be: String, is_same: bool, stops_calls| {
        if !is_same {
            differences.push(Difference { field, is: is.to_owned(), should_be, stops_calls });
        }
    };
    for (field, is) in
        [("trunk_sid", &number.trunk_sid), ("voice_application_sid", &number.voice_application_sid)]
    {
        compare(field, is, String::new(), is.is_empty(), true);
    }
    let wanted = with_query_of(&number.voice_url, public.page("/twilio/twiml"));
    compare(
        "voice_url",
        &number.voice_url,
        wanted.clone(),
        is_same_address(&number.voice_url, &wanted),
        true,
    );
    let method = &number.voice_method;
    compare("voice_method", method, METHOD.to_owned(), method.eq_ignore_ascii_case(METHOD), true);
    let wanted = public.page("/twilio/statuschange");
    let callback = &number.status_callback;
    compare("status_callback", callback, wanted.clone(), is_same_address(callback, &wanted), false);
    let method = &number.status_callback_method;
    compare("status_callback_method", method, METHOD.to_owned(), method.eq_ignore_ascii_case(METHOD), false);
    differences
}

/// Returns the change that ends these differences.
pub(super) fn change(differences: &[Difference]) -> NumberChange {
    let wanted = |field: &str| {
        let found = differences.iter().find(|difference| difference.field == field);
        found.map(|difference| difference.should_be.clone())
    };
    NumberChange {
        voice_url: wanted("voice_url"),
        voice_method: wanted("voice_method"),
        status_callback: wanted("status_callback"),
        status_callback_method: wanted("status_callback_method"),
        voice_application_sid: wanted("voice_application_sid"),
        trunk_sid: wanted("trunk_sid"),
    }
}

/// A `?room=` that the operator gave the webhook stays, whatever else changes.
fn with_query_of(is: &str, wanted: String) -> String {
    let query = Url::parse(is).ok().filter(|url| url.path().ends_with("/twilio/twiml")).and_then(|url| {
        let query = url.query()?;
        query.starts_with("room=").then(|| query.to_owned())
    });
    query.map_or(wanted.clone(), |query| format!("{wanted}?{query}"))
}

/// Compares as URLs: case of the host and the port of the scheme make no difference.
fn is_same_address(is: &str, wanted: &str) -> bool {
    matches!((Url::parse(is.trim()), Url::parse(wanted)), (Ok(is), Ok(wanted)) if is == wanted)
}

fn shown(value: &str) -> String {
    if value.is_empty() {
        return "empty".to_owned();
    }
    match Url::parse(value).ok().filter(Url::has_host) {
        Some(mut url) => {
            let query = url.query().map(str::to_owned);
            url.set_query(None);
            url.set_fragment(None);
            // An address with a host can be without a user.
            let _ = url.set_username("");
            let _ = url.set_password(None);
            match query {
                None => url.to_string(),
                Some(query) if query.starts_with("room=") && !query.contains('&') => format!("{url}?{query}"),
                Some(_) => format!("{url}?…"),
            }
        }
        None => value.chars().take(100).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(fields: &[(&str, &str)]) -> IncomingNumber {
        let mut body = serde_json::json!({
            "sid": "PN1", "phone_number": "+14155550100",
            "voice_url": "https://bridge.example.com/twilio/twiml", "voice_method": "POST",
            "status_callback": "https://bridge.example.com/twilio/statuschange", "status_callback_method": "POST",
            "voice_application_sid": "", "trunk_sid": null,
        });
        for (name, value) in fields {
            body[name] = (*value).into();
        }
        IncomingNumber::parse(body.to_string().as_bytes()).unwrap()
    }

    fn of(fields: &[(&str, &str)]) -> Vec<Difference> {
        differences(&number(fields), &PublicUrl::parse("https://bridge.example.com").unwrap())
    }

    #[test]
    fn spellings_of_the_same_are_the_same() {
        for fields in [
            [("voice_url", "https://BRIDGE.example.com:443/twilio/twiml")],
            [("voice_url", "https://bridge.example.com/twilio/twiml?room=7")],
            [("voice_method", "post")],
        ] {
            assert_eq!(of(&fields), [], "{fields:?}");
        }
    }

    #[test]
    fn each_wrong_field_is_named_with_what_it_should_be() {
        for (field, is, should_be, stops_calls) in [
            (
                "voice_url",
                "https://demo.twilio.com/welcome/voice/",
                "https://bridge.example.com/twilio/twiml",
                true,
            ),
            ("voice_url", "", "https://bridge.example.com/twilio/twiml", true),
            (
                "voice_url",
                "https://old.example.com/twilio/twiml?room=7",
                "https://bridge.example.com/twilio/twiml?room=7",
                true,
            ),
            ("voice_method", "GET", "POST", true),
            ("voice_application_sid", "AP1", "", true),
            ("trunk_sid", "TK1", "", true),
            ("status_callback", "", "https://bridge.example.com/twilio/statuschange", false),
            ("status_callback_method", "GET", "POST", false),
        ] {
            let found = of(&[(field, is)]);
            let expected =
                Difference { field, is: is.to_owned(), should_be: should_be.to_owned(), stops_calls };
            assert_eq!(found, [expected]);
            let fields = change(&found).fields();
            assert_eq!(fields.len(), 1, "{fields:?}");
            assert_eq!(fields[0].1, should_be);
        }
    }

    #[test]
    fn what_others_keep_in_an_address_is_not_shown() {
        let found = of(&[("voice_url", "https://me:sesame@old.example.com/hook?key=sesame#x")]);
        assert_eq!(
            found[0].in_words(),
            "voice_url is https://old.example.com/hook?…, should be https://bridge.example.com/twilio/twiml"
        );
        assert_eq!(of(&[("trunk_sid", "TK1")])[0].in_words(), "trunk_sid is TK1, should be empty");
    }
}
