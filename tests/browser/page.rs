//! A dashboard in the browser: what it shows is waited for, never slept for; what it complains about is kept.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::chromium::Chromium;
use crate::webdriver::Key;

/// Long enough for a page on a machine that does much else; reached only when a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(25);

/// How often the page is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(60);

/// A window on the dashboard.
pub(crate) struct Page {
    chromium: Chromium,
    /// Complaints that a test has caused by itself: a part of each.
    expected: Vec<String>,
    complaints: Vec<String>,
}

impl Page {
    /// Opens a browser at this address.
    pub(crate) async fn open(url: &str) -> Self {
        let chromium = Chromium::start().await;
        let mut page = Self { chromium, expected: Vec::new(), complaints: Vec::new() };
        page.command(
            "Browser.setDownloadBehavior",
            json!({ "behavior": "allow", "downloadPath": page.chromium.downloads() }),
        )
        .await;
        page.goto(url).await;
        page
    }

    /// Loads another address.
    pub(crate) async fn goto(&mut self, url: &str) {
        self.chromium.session().goto(url).await;
    }

    /// Loads the page again, as a person does.
    pub(crate) async fn reload(&mut self) {
        self.chromium.session().reload().await;
    }

    /// Runs a function body in the page and gives what it returns.
    pub(crate) async fn run(&self, body: &str) -> Value {
        self.chromium.session().run(body).await
    }

    /// Runs a function body that hands its result to `done`.
    pub(crate) async fn run_until_done(&self, body: &str) -> Value {
        self.chromium.session().run_until_done(&format!("const done = arguments[0]; {body}")).await
    }

    /// Gives the value of an expression.
    pub(crate) async fn value(&self, expression: &str) -> Value {
        self.run(&format!("return ({expression});")).await
    }

    /// A command of the DevTools protocol.
    pub(crate) async fn command(&self, name: &str, parameters: Value) -> Value {
        self.chromium.session().devtools(name, parameters).await
    }

    /// Waits until the expression is truthy and gives its value.
    pub(crate) async fn until(&self, what: &str, expression: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let value = self.value(expression).await;
            let is_falsy = value.is_null() || [json!(false), json!(0), json!("")].contains(&value);
            if !is_falsy {
                return value;
            }
            if Instant::now() >= deadline {
                let shown = self.value(
                    "document.querySelector('#banners').outerHTML + document.querySelector('main').outerHTML",
                );
                let (shown, console) = (shown.await, self.chromium.session().console().await);
                let shown = shown.as_str().unwrap_or_default();
                panic!(
                    "waited {PATIENCE:?} in vain for {what} ({expression}); console: {console:#?}; the page:\n{shown}"
                );
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Waits for an element.
    pub(crate) async fn sees(&self, selector: &str) {
        self.until(selector, &format!("document.querySelector({}) !== null", json!(selector))).await;
    }

    /// Waits until there is no such element.
    pub(crate) async fn misses(&self, selector: &str) {
        let expression = format!("document.querySelector({}) === null", json!(selector));
        self.until(&format!("no {selector}"), &expression).await;
    }

    /// Waits for an element that a person can see.
    pub(crate) async fn shows(&self, selector: &str) {
        self.until(selector, &format!("({IS_SHOWN})({})", json!(selector))).await;
    }

    /// Waits until no person can see such an element.
    pub(crate) async fn hides(&self, selector: &str) {
        self.until(&format!("no visible {selector}"), &format!("!({IS_SHOWN})({})", json!(selector))).await;
    }

    /// Waits until the first such element's text holds these words.
    pub(crate) async fn reads(&self, selector: &str, words: &str) {
        let expression = format!(
            "[...document.querySelectorAll({})].some((each) => each.textContent.includes({}))",
            json!(selector),
            json!(words)
        );
        self.until(&format!("`{words}` in {selector}"), &expression).await;
    }

    /// How many such elements there are now.
    pub(crate) async fn count(&self, selector: &str) -> u64 {
        let count = self.value(&format!("document.querySelectorAll({}).length", json!(selector))).await;
        count.as_u64().expect("a number")
    }

    /// Waits until there are so many.
    pub(crate) async fn counts(&self, selector: &str, number: usize) {
        let expression = format!("document.querySelectorAll({}).length === {number}", json!(selector));
        self.until(&format!("{number} of {selector}"), &expression).await;
    }

    /// The texts of all such elements now, white space made one.
    pub(crate) async fn texts(&self, selector: &str) -> Vec<String> {
        let texts = self
            .value(&format!(
                "[...document.querySelectorAll({})].map((each) => each.textContent.replace(/\\s+/g, ' ').trim())",
                json!(selector)
            ))
            .await;
        serde_json::from_value(texts).expect("texts")
    }

    /// An attribute of all such elements now.
    pub(crate) async fn attributes(&self, selector: &str, name: &str) -> Vec<Option<String>> {
        let values = self
            .value(&format!(
                "[...document.querySelectorAll({})].map((each) => each.getAttribute({}))",
                json!(selector),
                json!(name)
            ))
            .await;
        serde_json::from_value(values).expect("attributes")
    }

    /// Clicks the first such element, as a person does: it has to be visible and on top.
    pub(crate) async fn click(&self, selector: &str) {
        self.shows(selector).await;
        let clicked = self.chromium.session().click(selector).await;
        clicked.unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Opens a call, or one that has ended, by the link in its card or row. Cards move while calls come and go, and a click
    /// beside one does nothing: as a person does, it is clicked again.
    pub(crate) async fn open_call(&self, place: &str) {
        for _ in 0..5 {
            self.click(&format!("{place} a")).await;
            for _ in 0..20 {
                if self.value("document.body.dataset.view").await == "call" {
                    return;
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
        panic!("the link in {place} leads nowhere");
    }

    /// Presses a key, wherever the focus is.
    pub(crate) async fn press(&self, key: Key) {
        self.chromium.session().keys(key.name()).await;
    }

    /// Types, wherever the focus is.
    pub(crate) async fn type_text(&self, text: &str) {
        self.chromium.session().keys(text).await;
    }

    /// Presses Tab until the focus is on such an element; panics after so many times.
    pub(crate) async fn tab_to(&self, selector: &str, most: usize) {
        let expression = format!("document.activeElement.matches({})", json!(selector));
        let mut passed = Vec::new();
        for _ in 0..most {
            self.press(Key::Tab).await;
            if self.value(&expression).await == true {
                return;
            }
            passed.push(self.value("document.activeElement.outerHTML.slice(0, 80)").await);
        }
        panic!("no Tab leads to {selector}: {passed:#?}");
    }

    /// Light or dark, as the system is set.
    pub(crate) async fn prefer(&self, scheme: &str) {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.command("Emulation.setEmulatedMedia", features).await;
    }

    /// Makes the window as large as this, in CSS pixels; a narrow one is a telephone's.
    pub(crate) async fn size(&self, width: u32, height: u32) {
        let is_mobile = width < 500;
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_mobile });
        self.command("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Panics if the page can be scrolled to the side.
    pub(crate) async fn fits_its_width(&self, what: &str) {
        let widths = "[document.scrollingElement.scrollWidth, document.scrollingElement.clientWidth]";
        let widths = self.value(widths).await;
        assert!(widths[0].as_u64() <= widths[1].as_u64(), "{what} scrolls to the side: {widths}");
    }

    /// Waits until what the page holds has been drawn.
    pub(crate) async fn drawn(&self) {
        self.run_until_done("requestAnimationFrame(() => requestAnimationFrame(() => done(true)));").await;
    }

    /// What is seen now, as PNG.
    pub(crate) async fn picture(&self) -> Vec<u8> {
        self.chromium.session().picture().await
    }

    /// Where the page is.
    pub(crate) async fn address(&self) -> String {
        self.value("location.href").await.as_str().expect("a text").to_owned()
    }

    /// Waits until a download of this name is whole; gives what is in it.
    pub(crate) async fn downloaded(&self, ending: &str) -> (String, String) {
        let folder: PathBuf = self.chromium.downloads();
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let files = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            let mut names = files.filter_map(|file| file.file_name().into_string().ok());
            if let Some(name) = names.find(|name| name.ends_with(ending)) {
                let text = std::fs::read_to_string(folder.join(&name)).expect("a text");
                return (name, text);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        panic!("no download that ends with {ending} in {}", folder.display());
    }

    /// Says that a complaint with these words is the test's own doing, for instance a server that was killed.
    pub(crate) fn expect_complaint(&mut self, words: &str) {
        self.expected.push(words.to_owned());
    }

    /// Panics if the console has an error or the content security policy was broken; ends the browser.
    pub(crate) async fn finish(mut self) {
        let complaints = self.complaints().await;
        assert!(complaints.is_empty(), "the browser complains: {complaints:#?}");
    }

    /// What the console had to complain of so far, but for what was expected.
    pub(crate) async fn complaints(&mut self) -> Vec<String> {
        for entry in self.chromium.session().console().await {
            let is_complaint = entry.level == "SEVERE" || entry.message.contains("Content Security Policy");
            let is_expected = self.expected.iter().any(|words| entry.message.contains(words.as_str()));
            if is_complaint && !is_expected {
                self.complaints.push(format!("{} {}", entry.level, entry.message));
            }
        }
        self.complaints.clone()
    }
}

/// Whether an element is drawn: laid out, not transparent, not hidden.
const IS_SHOWN: &str = "(selector) => [...document.querySelectorAll(selector)].some((each) => \
    each.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && each.getClientRects().length > 0)";
