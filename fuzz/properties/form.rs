//! Form bodies and the webhooks in them: the pairs are those that another decoder finds, a form survives being written
//! and read, and a view of it is refused only for a field that it names.

use std::collections::HashMap;

use symbl_bridge::twilio::Form;
use symbl_bridge::twilio::form::BadForm;
use symbl_bridge::twilio::webhook::{
    CallStatusUpdate, ConferenceStatus, DialDone, StreamStatus, VoiceRequest,
};

use super::twilio_reference::decode_form;

/// Checks a body.
pub fn check(body: &[u8]) {
    let expected = decode_form(body);
    let form = match Form::parse(body) {
        Ok(form) => form,
        Err(fault) => {
            assert_eq!(fault, BadForm::TooManyFields);
            return assert!(expected.len() > 1000);
        }
    };
    let pairs: Vec<_> = form.byte_pairs().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
    assert_eq!(pairs, expected);
    assert!(pairs.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() <= body.len());
    as_a_browser_reads_it(body, &form);
    assert_eq!(Form::parse(form.encode().as_bytes()).as_ref(), Ok(&form), "written and read");
    views(&form);
}

/// Compares the first value of each name with what the standard for browsers says.
fn as_a_browser_reads_it(body: &[u8], form: &Form) {
    let mut first: HashMap<String, String> = HashMap::new();
    for (name, value) in url::form_urlencoded::parse(body) {
        first.entry(name.into_owned()).or_insert_with(|| value.into_owned());
    }
    for (name, value) in first {
        assert_eq!(form.get(&name), Some(value.as_str()), "{name:?}");
    }
}

fn views(form: &Form) {
    let faults = [
        VoiceRequest::from_form(form).map(|view| same(form, "CallSid", view.call_sid.as_str())).err(),
        CallStatusUpdate::from_form(form).map(|view| same(form, "CallSid", view.call_sid.as_str())).err(),
        DialDone::from_form(form).map(|view| same(form, "CallSid", view.call_sid.as_str())).err(),
        StreamStatus::from_form(form).map(|view| same(form, "CallSid", view.call_sid.as_str())).err(),
        ConferenceStatus::from_form(form)
            .map(|view| same(form, "ConferenceSid", view.conference_sid.as_str()))
            .err(),
    ];
    for fault in faults.into_iter().flatten() {
        match fault {
            BadForm::Missing(field) => assert_eq!(form.filled(field), None),
            BadForm::Sid { field, .. } => {
                let value = form.filled(field).expect("what is wrong is there");
                let fits = value.len() <= 64 && value.bytes().all(|byte| byte.is_ascii_graphic());
                assert!(!fits, "{field} is {value:?}");
            }
            BadForm::TooManyFields => unreachable!("a view adds no field"),
        }
    }
}

fn same(form: &Form, field: &str, value: &str) {
    assert_eq!(form.filled(field), Some(value));
}
