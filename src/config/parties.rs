//! Who is who, by phone number.

use serde::Deserialize;

use super::reader::Reader;
use crate::twilio::PhoneNumber;

/// A person known by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedParty {
    /// The number.
    pub number: PhoneNumber,
    /// The name to show; none: the role's.
    pub name: Option<String>,
    /// Whether the person is an agent; a customer otherwise.
    pub is_agent: bool,
}

/// Everybody known by number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartyList {
    /// The people; the first of two entries for one number counts.
    pub people: Vec<NamedParty>,
}

#[derive(Deserialize)]
struct RawParty {
    number: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    role: Option<String>,
}

/// A list in a file, or one text with commas in the environment.
#[derive(Deserialize)]
#[serde(untagged)]
enum Numbers {
    List(Vec<String>),
    Text(String),
}

pub(super) fn read(read: &mut Reader) -> PartyList {
    let mut people = Vec::new();
    let remedy = "write [{ number = \"+12125550123\", name = \"Anna\", role = \"agent\" }]";
    let named: Vec<RawParty> = read.value("parties.named", "a list of people", remedy).unwrap_or_default();
    for raw in named {
        let is_agent = match raw.role.as_deref() {
            Some("agent") => true,
            Some("customer") | None => false,
            Some(other) => {
                read.problem(
                    "parties.named",
                    format!("has the role `{other}`"),
                    "write `agent` or `customer`",
                );
                continue;
            }
        };
        push(read, &mut people, "parties.named", &raw.number, raw.name, is_agent);
    }
    for (key, is_agent) in [("parties.agents", true), ("parties.customers", false)] {
        let remedy = "write numbers like +12125550123, separated by commas";
        let numbers = match read.value(key, "a list of phone numbers", remedy) {
            Some(Numbers::List(numbers)) => numbers,
            Some(Numbers::Text(text)) => text.split(',').map(str::to_owned).collect(),
            None => Vec::new(),
        };
        for number in numbers.iter().filter(|number| !number.trim().is_empty()) {
            push(read, &mut people, key, number, None, is_agent);
        }
    }
    PartyList { people }
}

fn push(
    read: &mut Reader,
    people: &mut Vec<NamedParty>,
    key: &str,
    number: &str,
    name: Option<String>,
    is_agent: bool,
) {
    match PhoneNumber::parse(number.trim()) {
        Ok(number) => people.push(NamedParty { number, name, is_agent }),
        Err(error) => read.problem(
            key,
            format!("has `{}`: {error}", number.trim()),
            "write numbers in E.164, like +12125550123",
        ),
    }
}
