//! The files of the page, with what they are and what they hash to.

use std::collections::HashMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Every file in `page/`; a test compares.
const TABLE: &[(&str, &str, &[u8])] = &[
    ("backoff.js", SCRIPT, include_bytes!("page/backoff.js")),
    ("call-card.js", SCRIPT, include_bytes!("page/call-card.js")),
    ("call-view.js", SCRIPT, include_bytes!("page/call-view.js")),
    ("calls-model.js", SCRIPT, include_bytes!("page/calls-model.js")),
    ("calls-view.js", SCRIPT, include_bytes!("page/calls-view.js")),
    ("cast.js", SCRIPT, include_bytes!("page/cast.js")),
    ("charts.js", SCRIPT, include_bytes!("page/charts.js")),
    ("clock.js", SCRIPT, include_bytes!("page/clock.js")),
    ("conversation-model.js", SCRIPT, include_bytes!("page/conversation-model.js")),
    ("dom.js", SCRIPT, include_bytes!("page/dom.js")),
    ("download.js", SCRIPT, include_bytes!("page/download.js")),
    ("ended-list.js", SCRIPT, include_bytes!("page/ended-list.js")),
    ("figures.js", SCRIPT, include_bytes!("page/figures.js")),
    ("findings-view.js", SCRIPT, include_bytes!("page/findings-view.js")),
    ("format.js", SCRIPT, include_bytes!("page/format.js")),
    ("icon.svg", SVG, include_bytes!("page/icon.svg")),
    ("index.html", HTML, include_bytes!("page/index.html")),
    ("legs-view.js", SCRIPT, include_bytes!("page/legs-view.js")),
    ("levels.js", SCRIPT, include_bytes!("page/levels.js")),
    ("link.js", SCRIPT, include_bytes!("page/link.js")),
    ("main.js", SCRIPT, include_bytes!("page/main.js")),
    ("notices.js", SCRIPT, include_bytes!("page/notices.js")),
    ("requests.js", SCRIPT, include_bytes!("page/requests.js")),
    ("route.js", SCRIPT, include_bytes!("page/route.js")),
    ("session.js", SCRIPT, include_bytes!("page/session.js")),
    ("sign-in.js", SCRIPT, include_bytes!("page/sign-in.js")),
    ("styles.css", CSS, include_bytes!("page/styles.css")),
    ("symbl.js", SCRIPT, include_bytes!("page/symbl.js")),
    ("text-spans.js", SCRIPT, include_bytes!("page/text-spans.js")),
    ("transcript.js", SCRIPT, include_bytes!("page/transcript.js")),
    ("trouble.js", SCRIPT, include_bytes!("page/trouble.js")),
    ("turn-row.js", SCRIPT, include_bytes!("page/turn-row.js")),
    ("turn-window.js", SCRIPT, include_bytes!("page/turn-window.js")),
    ("turns-view.js", SCRIPT, include_bytes!("page/turns-view.js")),
    ("updates.js", SCRIPT, include_bytes!("page/updates.js")),
    ("watch.js", SCRIPT, include_bytes!("page/watch.js")),
    ("watches.js", SCRIPT, include_bytes!("page/watches.js")),
];

/// A file of the page.
#[derive(Debug)]
pub struct File {
    /// Its media type.
    pub content_type: &'static str,
    /// What it holds.
    pub bytes: &'static [u8],
    /// A strong entity tag, quotes included.
    pub etag: String,
}

/// All files of the page by name.
#[derive(Debug)]
pub struct Files(HashMap<&'static str, File>);

impl Default for Files {
    /// Hashes the files, once for a process.
    fn default() -> Self {
        let file = |&(name, content_type, bytes)| (name, File { content_type, bytes, etag: etag(bytes) });
        Self(TABLE.iter().map(file).collect())
    }
}

impl Files {
    /// Returns a file by its name. There are no folders.
    pub fn find(&self, name: &str) -> Option<&File> {
        self.0.get(name)
    }
}

fn etag(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let mut tag = String::from("\"");
    for byte in digest.iter().take(16) {
        // Writing to a string cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_of_the_page_is_in_the_table() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dashboard/page");
        let on_disk: BTreeSet<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let in_table: BTreeSet<String> = TABLE.iter().map(|(name, ..)| (*name).to_owned()).collect();
        assert_eq!(on_disk, in_table);
    }

    #[test]
    fn the_media_type_follows_from_the_name() {
        for (name, content_type, _) in TABLE {
            let expected = match name.rsplit('.').next() {
                Some("html") => HTML,
                Some("css") => CSS,
                Some("js") => SCRIPT,
                Some("svg") => SVG,
                _ => panic!("{name}"),
            };
            assert_eq!(*content_type, expected, "{name}");
        }
    }
}
