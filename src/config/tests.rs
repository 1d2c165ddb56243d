//! Settings from every source, and every kind of mistake.

use super::*;

fn sources(pairs: &[(&str, &str)]) -> Sources {
    let environment = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Sources { file: None, environment }
}

#[test]
fn nothing_set_gives_the_defaults() {
    let settings = Settings::load(&Sources::default()).unwrap();
    assert_eq!((settings.mode, settings.http.port), (Mode::Conference, 3000));
    assert_eq!(settings.symbl.upstream, Upstream::Embedded);
    assert_eq!(settings.conference.policy, RoomPolicy::Number);
    assert!(settings.public_url.is_none() && !settings.log_transcripts);
}

#[test]
fn the_names_people_already_have_and_the_prefixed_ones_work() {
    let settings = Settings::load(&sources(&[
        ("MODE", "receive_call"),
        ("WEBHOOK_DOMAIN", "https://bridge.example.com/"),
        ("TWILIO_ACCOUNT_SID", "ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"),
        ("TWILIO_AUTH_TOKEN", "0123456789abcdef0123456789abcdef"),
        ("SYMBL_APP_ID", "007"),
        ("SYMBL_APP_SECRET", "secret"),
        ("SYMBL_API_BASE_URL", "https://symbl.example.com"),
        ("AGENT_PHONE", "+12125550123, +12125550124"),
        ("BRIDGE__HTTP__PORT", "0"),
        ("BRIDGE__CONFERENCE__POLICY", "pair"),
        ("BRIDGE__LOG__TRANSCRIPTS", "true"),
        ("BRIDGE__AUDIO__BUFFER_SECONDS", "10"),
    ]))
    .unwrap();
    assert_eq!(settings.mode, Mode::ReceiveCall);
    assert_eq!(settings.public_url.unwrap().as_str(), "https://bridge.example.com");
    assert_eq!(settings.symbl.app_id.as_deref(), Some("007"));
    assert_eq!(settings.parties.people.len(), 2);
    assert!(settings.parties.people.iter().all(|person| person.is_agent));
    assert_eq!((settings.http.port, settings.conference.policy), (0, RoomPolicy::Pair));
    assert_eq!((settings.log_transcripts, settings.symbl.buffer.as_secs()), (true, 10));
}

#[test]
fn an_empty_value_means_unset() {
    let settings = Settings::load(&sources(&[("SYMBL_API_BASE_URL", ""), ("MODE", ""), ("AGENT_PHONE", "")]));
    assert_eq!(settings.unwrap().symbl.upstream, Upstream::Embedded);
}

#[test]
fn a_file_is_read_over_the_defaults_and_under_the_environment() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = "[http]\nport = 4000\nworkers = 2\n[parties]\nnamed = [{ number = \"+12125550123\", name = \"Anna\", role = \"agent\" }]\n";
    std::fs::write(file.path(), text).unwrap();
    let mut from = sources(&[("BRIDGE__HTTP__PORT", "5000")]);
    from.file = Some(file.path().to_owned());
    let settings = Settings::load(&from).unwrap();
    assert_eq!((settings.http.port, settings.http.workers.unwrap().get()), (5000, 2));
    assert_eq!(settings.parties.people[0].name.as_deref(), Some("Anna"));
}

#[test]
fn every_mistake_is_named_with_its_fault_and_remedy() {
    for (name, value, said) in [
        ("MODE", "both", "MODE (mode) is `both`\n    remedy: write `conference` or `receive_call`"),
        (
            "WEBHOOK_DOMAIN",
            "http://x.io",
            "WEBHOOK_DOMAIN (webhook_domain) is `http://x.io`: must be a host name",
        ),
        ("TWILIO_ACCOUNT_SID", "AC1", "must be `AC` and 32 hexadecimal digits"),
        ("TWILIO_NUMBER", "call me", "TWILIO_NUMBER (twilio.number)"),
        ("SYMBL_API_BASE_URL", "symbl", "SYMBL_API_BASE_URL (symbl.api_base_url) is `symbl`: not a url"),
        ("SYMBL_API_BASE_URL", "http://127.0.0.1:1", "set SYMBL_APP_SECRET"),
        ("AGENT_PHONE", "+1212,nobody", "AGENT_PHONE (parties.agents) has `nobody`"),
        ("BRIDGE__HTTP__PORT", "70000", "http.port (BRIDGE__HTTP__PORT) is 70000, out of bounds"),
        ("BRIDGE__HTTP__PORT", "many", "http.port (BRIDGE__HTTP__PORT) is `many`, not a whole number"),
        (
            "BRIDGE__LOG__TRANSCRIPTS",
            "perhaps",
            "log.transcripts (BRIDGE__LOG__TRANSCRIPTS) is `perhaps`, not true or false",
        ),
        ("BRIDGE__", "1", "a name of nothing (BRIDGE__) is not a setting"),
        ("BRIDGE__\u{7}X", "1", "\"\\u{7}x\" is not a setting"),
        ("BRIDGE__LLM", "1", "llm (BRIDGE__LLM) is a section, not a setting"),
        ("BRIDGE__HTTP__PORT__A", "1", "http.port.a (BRIDGE__HTTP__PORT__A) is not a setting"),
        (
            "BRIDGE__HTTP__TRUSTED_PROXIES",
            "127.0.0.1, proxy",
            "http.trusted_proxies (BRIDGE__HTTP__TRUSTED_PROXIES) is `127.0.0.1, proxy`: `proxy` is no IP address",
        ),
        ("BRIDGE__TLS__CERT", "cert.pem", "tls.key (BRIDGE__TLS__KEY) is missing, but tls.cert is set"),
        ("BRIDGE__TLS__KEY", "key.pem", "tls.cert (BRIDGE__TLS__CERT) is missing, but tls.key is set"),
        (
            "BRIDGE__CLUSTER__NATS_URL",
            "nats://127.0.0.1:4222",
            "media.token_secret (BRIDGE__MEDIA__TOKEN_SECRET) is missing",
        ),
        ("BRIDGE__CLUSTER__NATS_URL", "http://127.0.0.1", "cannot be used: must be nats://HOST:PORT"),
        ("BRIDGE__CLUSTER__NAME", "a.b", "must be at most 32 letters, digits, - and _"),
        ("BRIDGE__HTTP__PROT", "1", "http.prot (BRIDGE__HTTP__PROT) is not a setting"),
        ("BRIDGE__SYMBL__START_REQUEST", "/no/such/file.json", "cannot read /no/such/file.json"),
    ] {
        let error = Settings::load(&sources(&[(name, value)])).unwrap_err().to_string();
        assert!(error.contains(said) && error.contains("remedy: "), "{name}={value}: {error}");
    }
}

#[test]
fn all_mistakes_are_reported_at_once_and_secrets_are_not() {
    let error = Settings::load(&sources(&[
        ("MODE", "both"),
        ("BRIDGE__HTTP__PORT", "70000"),
        ("SYMBL_API_BASE_URL", "ftp://x"),
        ("TWILIO_AUTH_TOKEN", "very-secret"),
    ]))
    .unwrap_err();
    assert_eq!(error.problems.len(), 3, "{error}");
    assert!(!format!("{error} {error:?}").contains("very-secret"));
}

#[test]
fn files_for_deployment_name_settings_that_exist() {
    let files = concat!(
        include_str!("../../docs/deployment.md"),
        include_str!("../../docs/deployment/nginx.conf"),
        include_str!("../../docs/deployment/Caddyfile"),
        include_str!("../../docs/deployment/symbl-bridge.service"),
        include_str!("../../docs/deployment/kubernetes.yaml"),
        include_str!("../../docs/deployment/Dockerfile"),
    );
    let names: std::collections::BTreeSet<&str> = files
        .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| word.starts_with("BRIDGE__") && *word != "BRIDGE__SECTION__KEY")
        .collect();
    assert!(names.len() >= 4, "{names:?}");
    for name in names {
        let problems = Settings::load(&sources(&[(name, "?")])).err();
        let problems = problems.map(|error| error.to_string()).unwrap_or_default();
        assert!(!problems.contains("is not a setting"), "{name}: {problems}");
    }
}

#[test]
fn calls_are_reattached_only_with_everything_that_it_needs() {
    let all = [
        ("WEBHOOK_DOMAIN", "bridge.example.com"),
        ("TWILIO_ACCOUNT_SID", "ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"),
        ("TWILIO_AUTH_TOKEN", "0123456789abcdef0123456789abcdef"),
    ];
    let with = |more: &[(&str, &str)]| Settings::load(&sources(&[&all[..], more].concat())).unwrap().reattach;
    let settings = with(&[]).unwrap();
    assert_eq!(settings.api.as_str(), "https://api.twilio.com");
    assert_eq!(settings.journal, JournalPlace::BesideStore);
    assert_eq!(with(&[("BRIDGE__REATTACH__JOURNAL", "none")]).unwrap().journal, JournalPlace::Nowhere);
    let named = with(&[("BRIDGE__REATTACH__JOURNAL", "/x/y")]).unwrap();
    assert_eq!(named.journal, JournalPlace::File(PathBuf::from("/x/y")));
    assert!(with(&[("BRIDGE__REATTACH__ENABLED", "false")]).is_none());
    assert!(with(&[("MODE", "receive_call")]).is_none(), "a <Connect> stream cannot be started from outside");
    for missing in 0..all.len() {
        let mut some = all.to_vec();
        let (name, _) = some.remove(missing);
        some.push(("BRIDGE__TWILIO__CHECK_SIGNATURES", "false"));
        assert!(Settings::load(&sources(&some)).unwrap().reattach.is_none(), "without {name}");
    }
    let open = Settings::load(&sources(&[("BRIDGE__TWILIO__API_URL", "http://api.twilio.com")])).unwrap_err();
    assert!(open.to_string().contains("twilio.api_url"), "credentials in plain text: {open}");
}
