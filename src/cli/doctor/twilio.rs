//! The account and its number, by Twilio's REST API: what is, what should be, and with `--fix` the change.
#![expect(clippy::print_stderr, reason = "whoever is asked reads it on the terminal")]

use std::time::Duration;

use super::check::{TWILIO_ACCOUNT, TWILIO_NUMBER};
use super::context::Context;
use super::finding::{Finding, quoted};
use super::screen::Screen;
use super::webhooks::{self, Difference};
use crate::cli::twilio_rest::TwilioRest;
use crate::twilio::rest::{Account, IncomingNumber, RestFailure, RestRequest};
use crate::twilio::{AccountSid, PhoneNumber, PublicUrl};

/// A request, a pause that Twilio asks for, and the request again; with several tokens as often.
const REST_DEADLINE: Duration = Duration::from_secs(30);

/// Numbers that are named when none is configured.
const NUMBERS_SHOWN: usize = 5;

/// Whether what is wrong at Twilio is to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fix {
    /// Only show.
    No,
    /// Ask first.
    Ask,
    /// Without asking.
    Yes,
}

/// Makes both checks.
pub(super) async fn look(context: &Context, screen: &Screen, api: &PublicUrl, fix: Fix) -> Vec<Finding> {
    let settings = &context.settings.twilio;
    let sid = settings.account_sid.as_deref().and_then(|sid| AccountSid::parse(sid).ok());
    let Some(sid) = sid.filter(|_| !settings.auth_tokens.is_empty()) else {
        let remedy = "set TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_NUMBER to have them checked";
        let reason = "TWILIO_ACCOUNT_SID or TWILIO_AUTH_TOKEN is not set";
        return vec![
            Finding::left_out(TWILIO_ACCOUNT, "the Twilio account", reason).remedied_by(remedy),
            Finding::left_out(TWILIO_NUMBER, "the number's webhooks", reason),
        ];
    };
    let rest = TwilioRest::new(context.http.clone(), api.clone(), sid, settings.auth_tokens.clone());
    let request = RestRequest::account(rest.account());
    let answer = wait(screen, "asking Twilio for the account", rest.send(&request)).await;
    let account = answer
        .and_then(|body| Account::parse(&body).map_err(|fault| RestFailure::NoAnswer(fault.to_string())));
    let mut findings = vec![judge_account(&account)];
    if account.is_err() {
        findings.push(Finding::left_out(
            TWILIO_NUMBER,
            "the number's webhooks",
            "the account is not to be seen",
        ));
    } else if context.selection.wants(TWILIO_NUMBER) {
        findings.push(number(context, screen, &rest, fix).await);
    }
    findings
}

async fn wait<T>(
    screen: &Screen,
    doing: &str,
    asking: impl Future<Output = Result<T, RestFailure>>,
) -> Result<T, RestFailure> {
    let answer = screen.wait(doing, REST_DEADLINE, asking).await;
    answer.unwrap_or_else(|| {
        Err(RestFailure::NoAnswer(format!("no answer within {} s", REST_DEADLINE.as_secs())))
    })
}

fn judge_account(account: &Result<Account, RestFailure>) -> Finding {
    let what = "the Twilio account";
    match account {
        Ok(account) => match (account.status.as_str(), account.kind.as_str()) {
            ("active", "Trial") => Finding::note(
                TWILIO_ACCOUNT,
                what,
                "sid and auth token fit; a trial account plays a message before each call",
            ),
            ("active" | "", _) => {
                Finding::ok(TWILIO_ACCOUNT, what, "sid and auth token fit, and it is active")
            }
            (status, _) => Finding::error(
                TWILIO_ACCOUNT,
                what,
                format!("is {}", quoted(status)),
                "see Twilio's console: calls are not taken",
            ),
        },
        Err(RestFailure::NotFound { .. }) => {
            Finding::error(TWILIO_ACCOUNT, what, "does not exist", "correct TWILIO_ACCOUNT_SID")
        }
        Err(failure) => failed(TWILIO_ACCOUNT, what, failure),
    }
}

/// Judges what any request may hear.
fn failed(id: &'static str, what: &str, failure: &RestFailure) -> Finding {
    let found = quoted(&failure.to_string());
    match failure {
        RestFailure::Unauthorised { .. } => Finding::error(
            id,
            what,
            found,
            "correct TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN: both are on the first page of Twilio's console",
        ),
        RestFailure::TooMany { retry_after: Some(pause), .. } => {
            let found = format!("{found}; Twilio asks to wait {} s", pause.as_secs());
            Finding::warning(id, what, found, "wait so long, and run this again")
        }
        RestFailure::TooMany { .. } => Finding::warning(id, what, found, "run this again in a minute"),
        RestFailure::Server { .. } => {
            Finding::warning(id, what, found, "run this again later; status.twilio.com tells of trouble")
        }
        RestFailure::NoAnswer(_) => {
            Finding::warning(id, what, found, "let this machine reach api.twilio.com over https")
        }
        RestFailure::NotFound { .. } | RestFailure::Refused { .. } => {
            Finding::error(id, what, found, "see Twilio's page on that error")
        }
    }
}

async fn number(context: &Context, screen: &Screen, rest: &TwilioRest, fix: Fix) -> Finding {
    let wanted = context.settings.twilio.number.as_ref();
    let what = wanted.map_or_else(|| "the number".to_owned(), |number| format!("number {}", number.masked()));
    let asking = rest.list(RestRequest::numbers(rest.account(), wanted), IncomingNumber::page);
    let numbers = match wait(screen, "asking Twilio for the number", asking).await {
        Ok(numbers) => numbers,
        Err(failure) => return failed(TWILIO_NUMBER, &what, &failure),
    };
    let Some(wanted) = wanted else { return judge_unnamed(&numbers) };
    // Twilio's filter finds whatever contains the number.
    let Some(found) = numbers.iter().find(|number| number.phone_number == wanted.as_str()) else {
        return Finding::error(
            TWILIO_NUMBER,
            what,
            "is not in this account",
            "correct TWILIO_NUMBER, or TWILIO_ACCOUNT_SID where a sub-account owns the number",
        );
    };
    if !found.capabilities.voice {
        return Finding::error(
            TWILIO_NUMBER,
            what,
            "takes no calls",
            "get a number with the capability Voice",
        );
    }
    let Some(public) = &context.settings.public_url else {
        let found = "is in the account; what it should call is not known, for WEBHOOK_DOMAIN is not set";
        return Finding::note(TWILIO_NUMBER, what, found).remedied_by("set WEBHOOK_DOMAIN");
    };
    let differences = webhooks::differences(found, public);
    if differences.is_empty() || fix == Fix::No || !is_agreed(fix, &what, &differences).await {
        return judge_webhooks(what, &differences);
    }
    let request = RestRequest::change_number(rest.account(), &found.sid, &webhooks::change(&differences));
    let answer = wait(screen, "changing the number at Twilio", rest.send(&request)).await;
    let changed = answer.and_then(|body| {
        IncomingNumber::parse(&body).map_err(|fault| RestFailure::NoAnswer(fault.to_string()))
    });
    match changed {
        Err(failure) => failed(TWILIO_NUMBER, &format!("changing {what}"), &failure),
        Ok(changed) => match webhooks::differences(&changed, public) {
            left if left.is_empty() => {
                let fields: Vec<&str> = differences.iter().map(|difference| difference.field).collect();
                Finding::ok(TWILIO_NUMBER, what, format!("changed: {}; calls come here", fields.join(", ")))
            }
            left => judge_webhooks(format!("{what} after the change"), &left),
        },
    }
}

/// Judges an account whose number is not configured.
fn judge_unnamed(numbers: &[IncomingNumber]) -> Finding {
    let masked = |number: &IncomingNumber| {
        PhoneNumber::parse(&number.phone_number).map_or_else(|_| "…".to_owned(), |number| number.masked())
    };
    let mut shown: Vec<String> = numbers.iter().take(NUMBERS_SHOWN).map(masked).collect();
    if numbers.len() > NUMBERS_SHOWN {
        shown.push("and more".to_owned());
    }
    let (found, remedy) = match numbers.len() {
        0 => {
            ("none is configured, and the account has none".to_owned(), "get a number, and set TWILIO_NUMBER")
        }
        1 => (format!("none is configured; the account has {}", shown.join("")), "set TWILIO_NUMBER to it"),
        count => (
            format!("none is configured; the account has {count}: {}", shown.join(", ")),
            "set TWILIO_NUMBER to the one that callers dial",
        ),
    };
    Finding::warning(TWILIO_NUMBER, "the number", found, remedy)
}

fn judge_webhooks(what: String, differences: &[Difference]) -> Finding {
    if differences.is_empty() {
        return Finding::ok(TWILIO_NUMBER, what, "calls come here, and their ends are told");
    }
    let found: Vec<String> = differences.iter().map(Difference::in_words).collect();
    let remedy = "run `symbl-bridge doctor --fix`, or change it in Twilio's console (docs/twilio.md)";
    if differences.iter().any(|difference| difference.stops_calls) {
        Finding::error(TWILIO_NUMBER, what, found.join("; "), remedy)
    } else {
        Finding::warning(TWILIO_NUMBER, what, found.join("; "), remedy)
    }
}

/// Shows what would change, and asks unless it is agreed already.
async fn is_agreed(fix: Fix, what: &str, differences: &[Difference]) -> bool {
    if fix == Fix::Yes {
        return true;
    }
    eprintln!("at Twilio, {what}:");
    for difference in differences {
        eprintln!("  {}", difference.in_words());
    }
    eprint!("change this now? [y/N] ");
    let answer = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map(|_| line)
    });
    // People may take their time.
    matches!(answer.await, Ok(Ok(line)) if matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Status;

    fn account(status: &str, kind: &str) -> Result<Account, RestFailure> {
        Ok(Account { status: status.to_owned(), kind: kind.to_owned() })
    }

    #[test]
    fn an_account_is_judged_by_its_answer() {
        let pause = Some(Duration::from_secs(60));
        for (answer, status, word) in [
            (account("active", "Full"), Status::Ok, "active"),
            (account("active", "Trial"), Status::Note, "trial"),
            (account("suspended", "Full"), Status::Error, "suspended"),
            (Err(RestFailure::NotFound { code: Some(20404) }), Status::Error, "does not exist"),
            (Err(RestFailure::Unauthorised { status: 401, code: Some(20003) }), Status::Error, "refused"),
            (
                Err(RestFailure::TooMany { code: Some(20429), retry_after: pause }),
                Status::Warning,
                "wait 60 s",
            ),
            (Err(RestFailure::TooMany { code: None, retry_after: None }), Status::Warning, "429"),
            (Err(RestFailure::Server { status: 503, code: None }), Status::Warning, "503"),
            (Err(RestFailure::NoAnswer("cannot reach".to_owned())), Status::Warning, "cannot reach"),
        ] {
            let finding = judge_account(&answer);
            assert!(finding.status == status && finding.found.contains(word), "{finding:?}");
        }
    }

    #[test]
    fn numbers_of_an_account_are_named_by_their_last_digits() {
        let number = |digits: &str| {
            let body = format!(r#"{{"sid":"PN1","phone_number":"+1415555{digits}"}}"#);
            IncomingNumber::parse(body.as_bytes()).unwrap()
        };
        assert!(judge_unnamed(&[]).found.contains("has none"));
        assert!(judge_unnamed(&[number("0100")]).found.ends_with("has …0100"));
        let many: Vec<IncomingNumber> = (0..7).map(|index| number(&format!("010{index}"))).collect();
        let found = judge_unnamed(&many).found;
        assert!(found.contains("has 7: …0100, …0101") && found.ends_with("and more"), "{found}");
        assert!(!found.contains("1415"), "{found}");
    }

    #[test]
    fn a_webhook_that_is_wrong_is_an_error_and_a_callback_that_is_wrong_a_warning() {
        let difference = |field, stops_calls| Difference {
            field,
            is: String::new(),
            should_be: "POST".to_owned(),
            stops_calls,
        };
        let judged = |differences: &[Difference]| judge_webhooks("it".to_owned(), differences).status;
        assert_eq!(judged(&[]), Status::Ok);
        assert_eq!(judged(&[difference("status_callback_method", false)]), Status::Warning);
        assert_eq!(
            judged(&[difference("status_callback_method", false), difference("voice_method", true)]),
            Status::Error
        );
    }
}
