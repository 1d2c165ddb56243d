//! The matrix as it stands in `docs/reliability.md`.

use crate::cells::{Kind, MATRIX, Row};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reliability.md");
const BEGIN: &str = "<!-- fault matrix: written by tests/fault_matrix -->\n";
const END: &str = "<!-- end of the fault matrix -->\n";

fn table() -> String {
    let mut table = String::from(
        "| fault | moment | bridge to upstream | Twilio to bridge | dashboard |\n|---|---|---|---|---|\n",
    );
    let mut last: Option<Kind> = None;
    for Row(kind, moment, outcomes) in MATRIX {
        let name = if last == Some(*kind) { "" } else { kind.name() };
        let cells: Vec<&str> = outcomes.iter().map(|outcome| outcome.unwrap_or("–")).collect();
        table.push_str(&format!("| {name} | {} | {} |\n", moment.name(), cells.join(" | ")));
        last = Some(*kind);
    }
    table
}

#[test]
fn the_document_shows_this_matrix() {
    let document = std::fs::read_to_string(DOCUMENT).expect("docs/reliability.md");
    let (before, rest) = document.split_once(BEGIN).expect("the marker before the table");
    let (shown, after) = rest.split_once(END).expect("the marker behind the table");
    if std::env::var_os("UPDATE_RELIABILITY").is_some() {
        let written = [before, BEGIN, &table(), END, after].concat();
        std::fs::write(DOCUMENT, written).expect("the document can be written");
    } else {
        assert_eq!(shown, table(), "UPDATE_RELIABILITY=1 writes the table anew");
    }
}
