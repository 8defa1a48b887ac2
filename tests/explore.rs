//! `regrow explore` in a real browser. Needs ChromeDriver: `REGROW_CHROMEDRIVER=chromedriver cargo test --test explore --
//! --ignored`. With `REGROW_SCREENSHOT=FILE` a picture of the page is left there, for a person's eyes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod process;

use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use process::Server;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A process that ends with the test.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A browser, driven over WebDriver.
struct Browser {
    session: String,
    _driver: Guarded,
    _profile: TempDir,
}

impl Browser {
    fn start() -> Self {
        let driver = env::var("REGROW_CHROMEDRIVER").unwrap_or("chromedriver".to_owned());
        let mut driver = Command::new(driver)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("ChromeDriver starts");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.by_ref().find_map(|line| {
            let line = line.unwrap();
            let (_, port) = line.split_once("successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        // Whatever else it prints must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let profile = tempfile::tempdir().unwrap();
        let data = format!("--user-data-dir={}", profile.path().display());
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1700,1300",
            &data,
        ];
        let options =
            json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": arguments}}}});
        let base = format!("http://127.0.0.1:{}/session", port.unwrap());
        let answer = post(&base, &options);
        let id = answer["value"]["sessionId"].as_str().unwrap();
        Self {
            session: format!("{base}/{id}"),
            _driver: Guarded(driver),
            _profile: profile,
        }
    }

    fn open(&self, url: &str) {
        post(&format!("{}/url", self.session), &json!({"url": url}));
    }

    fn run(&self, script: &str) -> Value {
        let body = json!({"script": script, "args": []});
        post(&format!("{}/execute/sync", self.session), &body)["value"].take()
    }

    /// Waits until a script returns something true.
    fn wait_for(&self, script: &str) -> Value {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let value = self.run(script);
            if value != Value::Null && value != json!(false) {
                return value;
            }
            assert!(Instant::now() < deadline, "never true: {script}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Ends the browser: ChromeDriver leaves it running when it is killed.
    fn quit(self) {
        ureq::delete(&self.session).call().unwrap();
    }
}

fn post(url: &str, body: &Value) -> Value {
    let mut answer = ureq::post(url).send_json(body).unwrap();
    answer.body_mut().read_json().unwrap()
}

/// Starts the Explorer and reads where it serves.
fn explore(directory: &Path, arguments: &[&str]) -> (Guarded, String) {
    let mut process = Command::new(env!("CARGO_BIN_EXE_regrow"))
        .args([&["explore", "--port", "0"], arguments].concat())
        .current_dir(directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    let stdout = process.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut url).unwrap();
    (Guarded(process), url.trim().to_owned())
}

/// Checks a mutant that takes a cut to be found: the file of its counterexample, its steps, and the law.
fn counterexample(directory: &Path) -> (String, Vec<String>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_regrow"))
        .args(["check", "--mutant", "loser-not-told", "--json"])
        .current_dir(directory)
        .output()
        .unwrap();
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = &object["counterexamples"][0];
    let steps = found["steps"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (
        text(&found["file"]),
        steps.map(|step| text(&step["what"])).collect(),
        text(&found["law"]),
    )
}

/// Pairs of labels of the diagram whose boxes overlap.
const OVERLAPS: &str = "
    const boxes = [...document.querySelectorAll('svg.sequence text')].map(text => {
        const {left, right, top, bottom} = text.getBoundingClientRect();
        return {left, right, top, bottom, says: text.textContent};
    });
    const overlap = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
    return boxes.flatMap((a, i) => boxes.slice(i + 1).filter(b => overlap(a, b)).map(b => [a.says, b.says]));
";

#[test]
fn wrong_use_is_told_before_anything_is_served() {
    let here = tempfile::tempdir().unwrap();
    for (arguments, hint) in [
        (&[][..], "<SCENARIO>"),
        (&["pair-cod"], "did you mean pair-cold"),
        (&["--at", "nothing.json"], "nothing.json"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_regrow"));
        command
            .arg("explore")
            .args(arguments)
            .current_dir(here.path());
        let output = command.output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(hint), "{told}");
    }
}

#[test]
fn a_page_of_the_working_directory_is_not_served() {
    let here = tempfile::tempdir().unwrap();
    std::fs::create_dir(here.path().join("ui")).unwrap();
    std::fs::write(here.path().join("ui/index.htm"), "surprise").unwrap();
    let (_process, url) = explore(here.path(), &["pair-cold"]);
    let (page, _) = url.split_once('#').unwrap();
    let started = Instant::now();
    let text = loop {
        match ureq::get(page).call() {
            Ok(mut answer) => break answer.body_mut().read_to_string().unwrap(),
            Err(error) => assert!(started.elapsed().as_secs() < 10, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(text.contains("Stateright Explorer"), "{text}");
}

/// Asserts that the page has come to the last of these steps, and draws them.
fn assert_shown(browser: &Browser, steps: &[String]) {
    // Before the steps the page lists what it calls Pre-init and Init.
    let listed = "return document.querySelectorAll('.path-list li').length";
    browser.wait_for(&format!("{listed} == {}", steps.len() + 2));
    let selected = "return document.querySelector('.is-selected-state').textContent.trim()";
    assert_eq!(browser.run(selected), json!(steps.last()));
    let drawn = "return document.querySelectorAll('svg.sequence g.step').length";
    assert_eq!(browser.wait_for(drawn), json!(steps.len()));
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: `.ci/run` runs it"]
fn the_page_opens_at_what_a_running_server_has_recorded() {
    let here = tempfile::tempdir().unwrap();
    let recording = here.path().join("recording");
    let recording = recording.to_str().unwrap();
    let data = here.path().join("data");
    let mut server = Server::start_on(0, &data, &["--record", recording]);
    server.signal("TERM");
    assert!(server.ends().success());
    let file = here.path().join("incident.json");
    let file = file.to_str().unwrap();
    let kept = Command::new(env!("CARGO_BIN_EXE_regrow"))
        .args(["conform", recording, "--save", file])
        .output()
        .unwrap();
    assert!(kept.status.success(), "{kept:?}");
    let kept: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let steps = kept["incident"]["events"].as_array().unwrap().len();

    let (_process, url) = explore(here.path(), &["--at", file]);
    let browser = Browser::start();
    browser.open(&url);
    let last = format!(
        "{} stops",
        kept["incident"]["servers"][0]["name"].as_str().unwrap()
    );
    let mut steps = vec![String::new(); steps];
    *steps.last_mut().unwrap() = last;
    assert_shown(&browser, &steps);
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: `.ci/run` runs it"]
fn the_page_opens_at_a_counterexample_and_draws_it_without_overlaps() {
    let here = tempfile::tempdir().unwrap();
    let (file, steps, law) = counterexample(here.path());
    let (_process, url) = explore(here.path(), &["--at", &file]);
    let browser = Browser::start();
    browser.open(&url);
    assert_shown(&browser, &steps);
    let labels =
        "return [...document.querySelectorAll('svg.sequence text')].map(it => it.textContent)";
    let labels = browser.run(labels).to_string();
    for label in ["\"s1\"", "\"g1\"", "\"cut s", "\"REGISTER\"", "\"lost s"] {
        assert!(labels.contains(label), "{label}: {labels}");
    }
    assert_eq!(browser.run(OVERLAPS), json!([]));
    let told = browser.run("return document.body.innerText");
    assert!(
        told.as_str().unwrap().contains(&format!("✗ {law}")),
        "{law}: {told}"
    );

    if let Ok(file) = env::var("REGROW_SCREENSHOT") {
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--window-size=1700,1300",
        ];
        let chromium = env::var("REGROW_CHROMIUM").unwrap_or("chromium".to_owned());
        let mut command = Command::new(chromium);
        command.args(arguments).arg("--virtual-time-budget=8000");
        command.arg(format!("--screenshot={file}")).arg(&url);
        command.stderr(Stdio::null());
        assert!(command.status().unwrap().success());
    }
    browser.quit();
}
