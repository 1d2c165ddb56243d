//! Who a caller is: a name and a role by phone number.

use crate::config::PartyList;
use crate::symbl::Speaker;
use crate::twilio::{CallSid, Caller};

/// What a person does in a conference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Works here.
    Agent,
    /// Calls us, or is called.
    Customer,
}

impl Role {
    /// Returns the stable word for logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Customer => "customer",
        }
    }
}

/// A caller as the server and dashboards know them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// User id and name.
    pub speaker: Speaker,
    /// Role.
    pub role: Role,
}

/// Returns who calls. An unknown number is a `Customer`, a withheld one an `Unknown Caller` whose id comes from the
/// call, because two such callers must not become one speaker.
pub fn party_of(caller: &Caller, call_sid: &CallSid, known: &PartyList) -> Party {
    let speaker = |user_id: &str, name: &str| Speaker { user_id: user_id.to_owned(), name: name.to_owned() };
    let Some(user_id) = caller.user_id() else {
        let sid = call_sid.as_str();
        let tail = &sid[sid.len().saturating_sub(8)..];
        let role = Role::Customer;
        return Party { speaker: speaker(&format!("unknown-{tail}"), "Unknown Caller"), role };
    };
    let number = caller.phone();
    let person = known.people.iter().find(|person| Some(&person.number) == number);
    let role = if person.is_some_and(|person| person.is_agent) { Role::Agent } else { Role::Customer };
    let default_name = match role {
        Role::Agent => "Agent",
        Role::Customer => "Customer",
    };
    let name = person.and_then(|person| person.name.as_deref()).unwrap_or(default_name);
    Party { speaker: speaker(user_id, name), role }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::NamedParty;
    use crate::twilio::PhoneNumber;

    #[test]
    fn callers_are_named_by_number() {
        let person = |number: &str, name: Option<&str>, is_agent| NamedParty {
            number: PhoneNumber::parse(number).unwrap(),
            name: name.map(str::to_owned),
            is_agent,
        };
        let known = PartyList {
            people: vec![
                person("+12125550123", None, true),
                person("+12125550124", Some("Anna"), true),
                person("+13105550177", Some("Ben"), false),
            ],
        };
        let call = CallSid::parse("CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2").unwrap();
        for (from, user_id, name, role) in [
            ("+12125550123", "+12125550123", "Agent", Role::Agent),
            ("+12125550124", "+12125550124", "Anna", Role::Agent),
            ("+13105550177", "+13105550177", "Ben", Role::Customer),
            ("+19995550000", "+19995550000", "Customer", Role::Customer),
            ("sip:alice@pbx.example.com", "sip:alice@pbx.example.com", "Customer", Role::Customer),
            ("client:alice", "client:alice", "Customer", Role::Customer),
            ("anonymous", "unknown-b2b2b2b2", "Unknown Caller", Role::Customer),
            ("+266696687", "unknown-b2b2b2b2", "Unknown Caller", Role::Customer),
            ("", "unknown-b2b2b2b2", "Unknown Caller", Role::Customer),
        ] {
            let party = party_of(&Caller::parse(from), &call, &known);
            assert_eq!(
                (party.speaker.user_id.as_str(), party.speaker.name.as_str()),
                (user_id, name),
                "{from}"
            );
            assert_eq!(party.role, role, "{from}");
        }
    }
}
