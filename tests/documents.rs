//! The documents hold together: every relative link leads to a file, every anchor to a heading, and the README's index knows every page.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

/// Returns the repository's Markdown files that people read, relative to its root.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![PathBuf::from("README.md")];
    let mut folders = vec![root.join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of documents") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path.strip_prefix(root).expect("below the root").to_owned());
            }
        }
    }
    pages.sort();
    pages
}

fn read(page: &Path) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", page.display()))
}

/// Returns the text without fenced blocks, which hold no links and no headings.
fn prose(text: &str) -> String {
    let mut is_code = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns where the links and pictures of a page lead. Code spans hold none.
fn links(prose: &str) -> Vec<String> {
    let without_code: String = prose
        .split('`')
        .enumerate()
        .map(|(index, piece)| if index % 2 == 0 { piece } else { "code" })
        .collect();
    let targets = without_code.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let targets = targets.map(|(target, _)| target.split(' ').next().unwrap_or_default().to_owned());
    let pictures = without_code.split("src=\"").skip(1).chain(without_code.split("srcset=\"").skip(1));
    let pictures = pictures.filter_map(|rest| rest.split_once('"')).map(|(target, _)| target.to_owned());
    targets.chain(pictures).collect()
}

/// Returns the anchors of a page's headings, as GitHub makes them.
fn anchors(prose: &str) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut anchors = BTreeSet::new();
    for line in prose.lines() {
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let title = title.trim().to_lowercase();
        let kept = title.chars().filter_map(|letter| match letter {
            ' ' => Some('-'),
            '-' | '_' => Some(letter),
            _ => letter.is_alphanumeric().then_some(letter),
        });
        let anchor: String = kept.collect();
        let times = seen.entry(anchor.clone()).or_default();
        anchors.insert(if *times == 0 { anchor } else { format!("{anchor}-{times}") });
        *times += 1;
    }
    anchors
}

/// Takes `.` and `..` out of a path.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(plain.pop(), "{} leaves the repository", path.display()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

#[test]
fn every_relative_link_and_every_anchor_leads_somewhere() {
    let mut faults = Vec::new();
    let mut followed = 0;
    for page in pages() {
        let folder = page.parent().unwrap_or(Path::new(""));
        for link in links(&prose(&read(&page))) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            followed += 1;
            let (file, anchor) = link.split_once('#').map_or((link.as_str(), None), |(f, a)| (f, Some(a)));
            let target = if file.is_empty() { page.clone() } else { plain(&folder.join(file)) };
            if !Path::new(env!("CARGO_MANIFEST_DIR")).join(&target).exists() {
                faults.push(format!("{}: {link} does not exist", page.display()));
            } else if let Some(anchor) = anchor
                && !anchors(&prose(&read(&target))).contains(anchor)
            {
                faults.push(format!("{}: {link}: {} has no such heading", page.display(), target.display()));
            }
        }
    }
    assert!(followed > 80, "links are found wrongly: {followed}");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_readme_leads_to_every_page() {
    let links: BTreeSet<String> = links(&prose(&read(Path::new("README.md")))).into_iter().collect();
    let named = |page: &Path| {
        links.iter().any(|link| link.split('#').next().is_some_and(|file| Path::new(file) == page))
    };
    let missing: Vec<PathBuf> =
        pages().into_iter().filter(|page| page != Path::new("README.md") && !named(page)).collect();
    assert!(missing.is_empty(), "the README's index does not name {missing:?}");
}

#[test]
fn operators_are_told_what_to_do_about_every_warning() {
    let (events, advice) = (read(Path::new("docs/logging.md")), read(Path::new("docs/operations.md")));
    let rows = events.lines().filter_map(|line| {
        let mut cells = line.split(" | ");
        Some((cells.next()?.strip_prefix("| ")?, cells.next()?))
    });
    let (mut warnings, mut missing) = (0, Vec::new());
    for (event, _) in rows.filter(|(_, level)| ["warn", "error"].contains(level)) {
        warnings += 1;
        if !advice.contains(&format!("\n| {event} | ")) {
            missing.push(event);
        }
    }
    assert!(warnings > 10, "the table of events is read wrongly");
    assert!(missing.is_empty(), "docs/operations.md has no row for {missing:?}");
}

#[test]
fn headings_become_anchors_as_github_makes_them() {
    let text = "# Twilio's error codes\n## A `key`, and more\n## Same\n## Same\n#no heading\n";
    let expected = ["twilios-error-codes", "a-key-and-more", "same", "same-1"];
    assert_eq!(anchors(text), expected.map(str::to_owned).into());
}
