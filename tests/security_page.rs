//! `docs/security.md` promises nothing without a test: every row of its table names one, and each of them exists.

use std::collections::BTreeSet;
use std::path::Path;

const PAGE: &str = include_str!("../docs/security.md");

/// Returns what stands between backquotes and reads like `file.rs::test`.
fn tests_named_in(text: &str) -> Vec<(&str, &str)> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter_map(|quoted| quoted.split_once(".rs::")).collect()
}

#[test]
fn every_test_that_the_page_names_exists() {
    let named: BTreeSet<_> = tests_named_in(PAGE).into_iter().collect();
    assert!(named.len() >= 25, "the page is read wrongly: {named:?}");
    for (file, test) in named {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("{file}.rs"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}.rs: {error}"));
        let is_there = text
            .split("\nfn ")
            .chain(text.split(" fn "))
            .any(|rest| rest.strip_prefix(test).is_some_and(|rest| rest.starts_with("()")));
        assert!(is_there, "{file}.rs has no test {test}");
    }
}

#[test]
fn every_row_of_what_is_checked_names_its_test() {
    let (_, table) = PAGE.split_once("## What is checked where").expect("the table's heading");
    let (table, _) = table.split_once("\n## ").expect("a heading after it");
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() >= 20, "the table is read wrongly: {rows:?}");
    for row in rows {
        assert!(!tests_named_in(row).is_empty(), "no test in: {row}");
    }
}
