//! `docs/configuration.md` is made of `config/default.toml` and of what the reader asks for. Compiled for tests only.
//!
//! `UPDATE_DOCS=1 cargo test --lib config::reference` writes the tables anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::reader::{Asked, KNOWN_NAMES, Reader};
use super::{Settings, Sources};

const DEFAULTS: &str = include_str!("../../config/default.toml");
const EXAMPLE: &str = include_str!("../../.env.example");
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md");
const BEGIN: &str = "<!-- settings: written by src/config/reference.rs, UPDATE_DOCS=1 -->\n";
const END: &str = "<!-- end of the settings -->\n";

/// Names of the environment that are no settings: they must work before settings are read.
const NAMES_WITHOUT_A_KEY: [&str; 2] = ["LOG_FORMAT", "RUST_LOG"];

/// One line of `config/default.toml`, with the comment above it.
struct Setting {
    section: String,
    key: String,
    default: String,
    meaning: String,
}

/// Reads keys, defaults and comments. A comment holds for all keys below it, up to an empty line or the next comment.
fn settings_of(text: &str) -> Vec<Setting> {
    let (mut section, mut comment, mut is_used) = (String::new(), Vec::new(), false);
    let mut settings = Vec::new();
    for line in text.lines() {
        if let Some(said) = line.strip_prefix('#') {
            if is_used {
                comment.clear();
            }
            is_used = false;
            comment.push(said.trim());
        } else if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
            comment.clear();
        } else if let Some((name, default)) = line.split_once(" = ") {
            let key = if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") };
            is_used = true;
            settings.push(Setting {
                section: section.clone(),
                key,
                default: default.to_owned(),
                meaning: comment.join(" "),
            });
        } else if line.is_empty() {
            comment.clear();
        } else {
            panic!("config/default.toml: no key, section or comment: {line}");
        }
    }
    settings
}

/// Returns what the reader asks for, key by key.
fn asked() -> (BTreeMap<&'static str, Asked>, BTreeSet<String>) {
    let mut reader = Reader::open(&Sources::default()).expect("the defaults can be read");
    let _ = Settings::read(&mut reader);
    (reader.asked.clone(), reader.known_keys())
}

/// Says in words what a key may hold.
fn value_of(key: &str, asked: &Asked) -> String {
    let allowed = asked.remedy.strip_prefix("write ").unwrap_or_default();
    let unit = match key.rsplit_once('_').map_or("", |(_, unit)| unit) {
        "ms" => ", in milliseconds",
        "seconds" => ", in seconds",
        "days" => ", in days",
        "bytes" => ", in bytes",
        "minute" => " a minute",
        _ => "",
    };
    match asked.expected.as_str() {
        "text" => "text".to_owned(),
        "true or false" => "`true` or `false`".to_owned(),
        "a whole number" => format!("{allowed}{unit}"),
        "one of several words" => allowed.to_owned(),
        "a list of phone numbers" => "a list, or one text with commas".to_owned(),
        "a list of people" => "a list of tables".to_owned(),
        other => other.to_owned(),
    }
}

/// Returns the names that set a key in the environment.
fn environment_of(key: &str, asked: &Asked) -> String {
    if asked.expected == "a list of people" {
        return "only in a file".to_owned();
    }
    let long = format!("`BRIDGE__{}`", key.to_uppercase().replace('.', "__"));
    match KNOWN_NAMES.iter().find(|(_, known)| *known == key) {
        Some((name, _)) => format!("`{name}`, {long}"),
        None => long,
    }
}

/// Returns the comment as a line of Markdown: values in code, files as links.
fn markdown_of(meaning: &str) -> String {
    let mut pieces = meaning.split('"');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for (index, piece) in pieces.enumerate() {
        // In a sample of code quotes are part of it.
        let is_in_code = meaning.contains("[{");
        text.push_str(match (is_in_code, index % 2) {
            (true, _) => "\"",
            _ => "`",
        });
        text.push_str(piece);
    }
    let words = text.split(' ').map(|word| {
        let bare = word.trim_end_matches(['.', ',', ':', ';']);
        let tail = &word[bare.len()..];
        match bare.strip_prefix("docs/") {
            Some(file) => format!("[{}]({file}){tail}", file.split('#').next().unwrap_or_default()),
            None if bare == "config/start_request.json" => format!("[{bare}](../{bare}){tail}"),
            None => word.to_owned(),
        }
    });
    words.collect::<Vec<_>>().join(" ").replace('|', "\\|").replace("[{", "`[{").replace("}]", "}]`")
}

/// Returns the tables, a section each.
fn tables() -> String {
    let (asked, _) = asked();
    let mut page = String::new();
    let mut section = None;
    let mut said_by: Option<Setting> = None;
    for setting in settings_of(DEFAULTS) {
        if section.as_ref() != Some(&setting.section) {
            let title = if setting.section.is_empty() { "without a section" } else { &setting.section };
            let _ = write!(page, "\n## {title}\n\n");
            page.push_str("| key | default | value | environment | meaning |\n|---|---|---|---|---|\n");
            section = Some(setting.section.clone());
        }
        let Setting { key, default, meaning, .. } = &setting;
        let asked =
            asked.get(key.as_str()).unwrap_or_else(|| panic!("{key} of default.toml is read by nobody"));
        let meaning = match said_by.as_ref().filter(|other| other.meaning == *meaning) {
            Some(other) => format!("See `{}`.", other.key),
            None => markdown_of(meaning),
        };
        let default = if default == "\"\"" { "empty".to_owned() } else { format!("`{default}`") };
        let _ = writeln!(
            page,
            "| `{key}` | {default} | {} | {} | {} |",
            value_of(key, asked),
            environment_of(key, asked),
            meaning
        );
        if said_by.as_ref().is_none_or(|other| other.meaning != setting.meaning) {
            said_by = Some(setting);
        }
    }
    page.push('\n');
    page
}

#[test]
fn every_setting_is_read_and_whatever_is_read_is_a_setting_with_a_comment() {
    let (asked, known) = asked();
    let read: BTreeSet<String> = asked.keys().map(|key| (*key).to_owned()).collect();
    assert_eq!(read, known, "left: what src/config reads; right: the keys of config/default.toml");
    let settings = settings_of(DEFAULTS);
    let shown: BTreeSet<String> = settings.iter().map(|setting| setting.key.clone()).collect();
    assert_eq!(shown, known, "left: the lines of config/default.toml as this file reads them");
    for Setting { key, meaning, .. } in settings {
        assert!(meaning.len() > 10, "{key} of config/default.toml has no comment above it");
    }
}

#[test]
fn the_page_shows_these_settings() {
    let page = std::fs::read_to_string(PAGE).expect("docs/configuration.md");
    let (before, rest) = page.split_once(BEGIN).expect("the marker before the tables");
    let (shown, after) = rest.split_once(END).expect("the marker behind the tables");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, [before, BEGIN, &tables(), END, after].concat())
            .expect("the page can be written");
    } else {
        assert!(
            shown == tables(),
            "UPDATE_DOCS=1 cargo test --lib config::reference writes docs/configuration.md anew"
        );
    }
    for name in NAMES_WITHOUT_A_KEY {
        assert!([before, after].concat().contains(&format!("`{name}`")), "{name} is not on the page");
    }
}

#[test]
fn whatever_pages_call_a_setting_is_one() {
    let (_, known) = asked();
    let sections: BTreeSet<&str> = known.iter().filter_map(|key| Some(key.split_once('.')?.0)).collect();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = std::fs::read_dir(root.join("docs")).expect("the pages");
    let pages = folder.map(|entry| entry.expect("an entry").path()).chain([root.join("README.md")]);
    let mut found = 0;
    for page in pages.filter(|page| page.extension().is_some_and(|extension| extension == "md")) {
        let text = std::fs::read_to_string(&page).expect("a page");
        for quoted in text.split('`').skip(1).step_by(2) {
            let word = quoted.split([' ', '=']).next().unwrap_or_default();
            let Some((section, name)) = word.split_once('.') else { continue };
            let is_file = ["md", "rs", "json", "yml", "toml", "js"].contains(&name);
            let is_name = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            if sections.contains(section) && is_name && !is_file && !name.is_empty() {
                found += 1;
                assert!(known.contains(word), "{}: `{word}` is no setting", page.display());
            }
        }
    }
    assert!(found > 100, "settings are found wrongly: {found}");
}

#[test]
fn the_example_of_an_environment_has_every_short_name_and_no_other() {
    let names = EXAMPLE.lines().filter_map(|line| {
        let (name, _) = line.trim_start_matches(['#', ' ']).split_once('=')?;
        name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_').then_some(name)
    });
    let names: BTreeSet<&str> = names.filter(|name| !name.starts_with("BRIDGE__")).collect();
    let known = KNOWN_NAMES.iter().map(|(name, _)| *name).chain(NAMES_WITHOUT_A_KEY);
    assert_eq!(names, known.collect());
}
