//! What an operator sees and sets: pages over HTTP, `regrow status`, configuration, users, logs.

mod process;

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use process::{Client, Server};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

/// No test waits longer than this for anything.
const PATIENCE: Duration = Duration::from_secs(20);
/// What nobody must ever read.
const SECRET: &str = "the-secret-of-the-system";

fn directory() -> TempDir {
    tempdir().expect("a directory for the test")
}

/// A server with pages, and where they are.
fn with_pages(data: &Path, arguments: &[&str]) -> (Server, String) {
    let arguments = [&["--http", "127.0.0.1:0"], arguments].concat();
    let server = Server::start(data, &arguments);
    let line = server.log.iter().find(|line| line.starts_with("http on "));
    let line = line.expect("it says where its pages are");
    let url = line.trim_start_matches("http on ").to_owned();
    (server, url)
}

/// The status and the text of a page.
fn page(url: &str, path: &str) -> (u16, String) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .build()
        .into();
    let mut answer = agent.get(format!("{url}{path}")).call().expect("an answer");
    let text = answer.body_mut().read_to_string().expect("a text");
    (answer.status().as_u16(), text)
}

fn status(url: &str) -> Value {
    let (code, text) = page(url, "/api/status");
    assert_eq!(code, 200, "{text}");
    assert!(!text.contains(SECRET), "{text}");
    serde_json::from_str(&text).expect("it is JSON")
}

/// Waits until something can be had.
fn soon<T>(what: &str, mut get: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(got) = get() {
            return got;
        }
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn regrow(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_regrow"));
    command.args(arguments).envs(environment.iter().copied());
    command.output().expect("the binary can be started")
}

/// What a command prints that succeeds.
fn prints(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let output = regrow(arguments, environment);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("it prints UTF-8")
}

/// What a command says that fails.
fn complains(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let output = regrow(arguments, environment);
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).expect("it prints UTF-8")
}

/// The line of `regrow config show` about a setting, its blanks made one.
fn shown(name: &str, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let arguments = [&["config", "show"], arguments].concat();
    let text = prints(&arguments, environment);
    assert!(!text.contains(SECRET), "{text}");
    let about = |line: &&str| {
        let line = line.trim_start_matches("# ");
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(' '))
    };
    let line = text.lines().find(about).expect("every setting is shown");
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn file(directory: &TempDir, name: &str, text: &str) -> String {
    let file = directory.path().join(name);
    std::fs::write(&file, text).expect("the file can be written");
    let file = file.to_str().expect("it has a name in UTF-8");
    file.to_owned()
}

/// One that says this first, and what it hears then.
fn answer(server: &Server, line: &str) -> String {
    let mut client = Client::of(server);
    client.says(line);
    client.hears().expect("an answer")
}

fn login(user: &str, secret: &str) -> String {
    format!(r#"{{"command":"LOGIN","username":"{user}","secret":"{secret}"}}"#)
}

#[test]
fn a_root_lives_and_is_ready_and_shows_nothing_but_its_pages() {
    let data = directory();
    let (_root, url) = with_pages(data.path(), &[]);
    assert_eq!(page(&url, "/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(page(&url, "/readyz"), (200, "ready\n".to_owned()));
    let (code, text) = page(&url, "/secret");
    assert_eq!(code, 404);
    assert!(text.contains("/api/status"), "{text}");
}

#[test]
fn a_joiner_that_reaches_nobody_lives_and_is_not_ready_and_says_why() {
    let data = directory();
    let arguments = ["--join", "localhost:1", "--secret", SECRET];
    let (_joiner, url) = with_pages(data.path(), &arguments);
    assert_eq!(page(&url, "/healthz").0, 200);
    let (code, why) = page(&url, "/readyz");
    assert_eq!(code, 503);
    assert!(why.contains("not in the tree"), "{why}");
    assert!(why.contains("localhost:1"), "{why}");
    let status = status(&url);
    assert_eq!(status["ready"], false);
    assert_eq!(status["settings"]["join"][0], "localhost:1");
}

#[test]
fn a_server_that_waits_for_its_far_ends_to_stop_is_not_ready_any_more() {
    let data = directory();
    let (server, url) = with_pages(data.path(), &[]);
    // A client that never leaves keeps the server from ending at once.
    let mut client = Client::of(&server);
    client.says(r#"{"command":"LOGIN","username":"anonymous"}"#);
    client.hears().expect("LOGIN_SUCCESS");
    server.signal("TERM");
    let (code, why) = soon("not ready", || {
        let page = page(&url, "/readyz");
        (page.0 != 200).then_some(page)
    });
    assert_eq!(code, 503);
    assert!(why.contains("stop"), "{why}");
}

#[test]
fn what_clients_do_is_counted() {
    let data = directory();
    let (server, url) = with_pages(data.path(), &[]);
    let register = r#"{"command":"REGISTER","username":"aaron","secret":"s1"}"#;
    let mut aaron = Client::of(&server);
    aaron.says(register);
    aaron.hears().expect("REGISTER_SUCCESS");
    aaron.says(
        r#"{"command":"ACTIVITY_MESSAGE","username":"aaron","secret":"s1","activity":{"a":1}}"#,
    );
    aaron.hears().expect("its own activity");
    answer(&server, &login("aaron", "wrong"));
    answer(&server, "nonsense");

    let (code, text) = page(&url, "/metrics");
    assert_eq!(code, 200);
    for line in [
        "regrow_registrations_total{outcome=\"success\"} 1",
        "regrow_logins_total{outcome=\"failed\"} 1",
        "regrow_deliveries_total 1",
        "regrow_activities_total 1",
        "regrow_clients_turned_away_total{reason=\"invalid_message\"} 1",
        "regrow_users 1",
        "regrow_ready 1",
        "# TYPE regrow_deliveries_total counter",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
    let saves = text
        .lines()
        .find_map(|line| line.strip_prefix("regrow_disk_save_seconds_count "));
    let saves: u64 = saves.and_then(|n| n.parse().ok()).expect("it is counted");
    assert!(saves > 0);
}

#[test]
fn the_operators_page_describes_every_metric_and_every_field_of_the_status() {
    let page_of_operators = include_str!("../docs/operating.md");
    let data = directory();
    let (_root, url) = with_pages(data.path(), &[]);
    let (_, text) = page(&url, "/metrics");
    for line in text.lines() {
        let Some(described) = line.strip_prefix("# TYPE ") else {
            continue;
        };
        let name = described.split(' ').next().unwrap_or_default();
        let name = name.trim_start_matches("regrow_");
        assert!(page_of_operators.contains(&format!("`{name}")), "{name}");
    }
    for field in status(&url).as_object().expect("an object").keys() {
        let field = format!("`{field}");
        let list = page_of_operators.split([',', '|']);
        let described = list.map(str::trim).any(|word| word.starts_with(&field));
        assert!(described, "{field}");
    }
}

#[test]
fn what_passes_over_connections_is_counted() {
    let data = directory();
    let (server, url) = with_pages(data.path(), &[]);
    let mut client = Client::of(&server);
    client.says(r#"{"command":"LOGIN","username":"anonymous"}"#);
    client.hears().expect("LOGIN_SUCCESS");
    answer(&server, "nonsense");
    for line in [
        "regrow_connections_accepted_total{transport=\"tcp\"} 2",
        "regrow_lines_received_total 2",
        "regrow_lines_sent_total 2",
        "regrow_malformed_lines_total 1",
        "regrow_connections 1",
    ] {
        soon(line, || {
            let (_, text) = page(&url, "/metrics");
            text.lines().any(|found| found == line).then_some(())
        });
    }
    let register = r#"{"command":"REGISTER","username":"aaron","secret":"s1"}"#;
    answer(&server, register);
    let hashed = "regrow_secret_hashes_total{outcome=\"done\"} 1";
    let (_, text) = page(&url, "/metrics");
    assert!(text.lines().any(|found| found == hashed), "{text}");
}

#[test]
#[ignore = "needs promtool, which is in Debian's prometheus"]
fn promtool_has_no_complaint_about_the_metrics() {
    use std::io::Write;
    let data = directory();
    let (_root, url) = with_pages(data.path(), &[]);
    let (_, text) = page(&url, "/metrics");
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is installed");
    let mut stdin = promtool.stdin.take().expect("it listens");
    stdin.write_all(text.as_bytes()).expect("it reads");
    drop(stdin);
    let output = promtool.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
    assert!(
        output.stdout.is_empty() && output.stderr.is_empty(),
        "{output:?}"
    );
}

#[test]
fn the_status_of_a_tree_of_two_is_what_each_of_them_sees() {
    let (one, other) = (directory(), directory());
    let (root, root_url) = with_pages(one.path(), &["--secret", SECRET]);
    let root_name = format!("localhost:{}", root.port);
    let arguments = ["--join", &root_name, "--secret", SECRET];
    let (mut child, child_url) = with_pages(other.path(), &arguments);
    child.until("joined");
    let child_name = format!("localhost:{}", child.port);
    let mut client = Client::of(&child);
    client.says(r#"{"command":"LOGIN","username":"anonymous"}"#);
    client.hears().expect("LOGIN_SUCCESS");

    let above = soon("the load of the child", || {
        let status = status(&root_url);
        (status["loads"]["others"][&child_name] == 1).then_some(status)
    });
    assert_eq!(above["tree"]["parent"], Value::Null);
    assert_eq!(above["tree"]["children"][0], *child_name);
    assert_eq!(above["links"]["servers"][0]["kind"], "child");
    assert_eq!(above["disk"]["healthy"], true);
    let below = status(&child_url);
    assert_eq!(below["tree"]["path"][0], *root_name);
    assert_eq!(below["tree"]["root"], *root_name);
    assert_eq!(below["loads"]["own"], 1);
    assert_eq!(below["links"]["clients"], 1);
    assert!(below["tree"]["known"].get(&root_name).is_some());
    assert_eq!(below["totals"]["known"], 2);
    client.says(r#"{"command":"ACTIVITY_MESSAGE","username":"anonymous","activity":{}}"#);
    soon("that the root has everything", || {
        let behind = status(&child_url)["behind"][&root_name].as_u64();
        behind.filter(|messages| *messages == 0)
    });
    assert_eq!(below["settings"].get("secret"), None);
    assert_eq!(page(&child_url, "/readyz").0, 200);

    let table = prints(&["status", &child_url], &[]);
    let line = |start: &str| table.lines().find(|line| line.starts_with(start));
    assert!(
        line("tree").is_some_and(|line| line.contains(&root_name)),
        "{table}"
    );
    assert!(
        line(&root_name).is_some_and(|line| line.contains("parent")),
        "{table}"
    );
    let json = prints(&["status", "--json", &root_url], &[]);
    let json: Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!(json["name"], *root_name);
}

#[test]
fn a_command_whose_output_nobody_reads_ends_quietly() {
    let data = directory();
    let (mut root, url) = with_pages(data.path(), &[]);
    let new = directory();
    let new = new.path().join("ca");
    let (data, new) = (data.path().to_str(), new.to_str());
    let (data, new) = (data.expect("UTF-8"), new.expect("UTF-8"));
    let unread = |arguments: &[&str]| {
        let (_, nobody) = std::io::pipe().expect("a pipe");
        let mut command = Command::new(env!("CARGO_BIN_EXE_regrow"));
        let output = command.args(arguments).stdout(nobody).output();
        let output = output.expect("the binary can be started");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(complaint, "", "{arguments:?}");
        output.status
    };
    assert!(unread(&["status", &url]).success());
    root.signal("TERM");
    root.ends();
    for arguments in [
        &["config", "show"][..],
        &["data", "verify", data],
        &["data", "compact", data],
        &["users", "list", data],
        &["users", "export", data],
        &["cert", "ca", new],
    ] {
        assert!(unread(arguments).success(), "{arguments:?}");
    }
    // Of the protocol nothing was said.
    assert_eq!(unread(&["check", "--list"]).code(), Some(1));
}

#[test]
fn what_cannot_be_printed_is_complained_of() {
    let full = std::fs::File::create("/dev/full").expect("every Linux has it");
    let mut command = Command::new(env!("CARGO_BIN_EXE_regrow"));
    let output = command.args(["config", "show"]).stdout(full).output();
    let output = output.expect("the binary can be started");
    assert_eq!(output.status.code(), Some(1));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(complaint.contains("cannot print: No space"), "{complaint}");
}

#[test]
fn who_asks_where_nobody_answers_is_told_what_to_do() {
    let complaint = complains(&["status", "127.0.0.1:1"], &[]);
    assert!(complaint.contains("--http"), "{complaint}");
}

#[test]
fn a_flag_is_stronger_than_a_variable_which_is_stronger_than_the_file() {
    let directory = directory();
    let config = file(
        &directory,
        "r.toml",
        "mailbox-days = 7\nno-echo = true\njoin = [\"a:1\", \"b:2\"]\n",
    );
    let days = |arguments: &[&str], environment: &[(&str, &str)]| {
        shown("mailbox-days", arguments, environment)
    };
    let from_file = format!("mailbox-days = 7 # {config}, line 1");
    let of_file = ["--config", config.as_str()];
    let variable = [("REGROW_MAILBOX_DAYS", "8")];
    let flag = ["--config", config.as_str(), "--mailbox-days", "9"];
    assert_eq!(days(&[], &[]), "mailbox-days = 30 # default");
    assert_eq!(days(&of_file, &[]), from_file);
    assert_eq!(days(&[], &[("REGROW_CONFIG", &config)]), from_file);
    let of_variable = "mailbox-days = 8 # REGROW_MAILBOX_DAYS";
    assert_eq!(days(&of_file, &variable), of_variable);
    assert_eq!(days(&flag, &variable), "mailbox-days = 9 # flag");
    // A variable that is empty says nothing.
    assert_eq!(days(&of_file, &[("REGROW_MAILBOX_DAYS", "")]), from_file);

    let echo = shown("no-echo", &of_file, &[("REGROW_NO_ECHO", "false")]);
    assert_eq!(echo, "no-echo = false # REGROW_NO_ECHO");
    let join = shown("join", &of_file, &[]);
    assert!(join.starts_with(r#"join = ["a:1","b:2"] #"#), "{join}");
    let join = shown("join", &of_file, &[("REGROW_JOIN", "c:3, d:4")]);
    assert_eq!(join, r#"join = ["c:3","d:4"] # REGROW_JOIN"#);
    // The old way to say it replaces the new one.
    let old = ["--config", &config, "-rh", "example.org"];
    assert_eq!(shown("join", &old, &[]), "# join is not set");
}

#[test]
fn a_secret_is_hidden_and_the_stronger_way_to_give_it_wins() {
    let directory = directory();
    let secret = file(&directory, "secret", SECRET);
    let config = file(&directory, "r.toml", &format!("secret = \"{SECRET}\"\n"));
    let of_file = ["--config", config.as_str()];
    let line = shown("secret", &of_file, &[]);
    assert!(line.contains("hidden") && line.contains(&config), "{line}");
    let other = ["--config", &config, "--secret-file", &secret];
    assert_eq!(shown("secret", &other, &[]), "# secret is not set");
    // Both in one place is a mistake.
    let both = ["config", "show", "--secret", "s1", "--secret-file", &secret];
    assert!(complains(&both, &[]).contains("cannot be used with"));
}

#[test]
fn what_is_not_understood_is_named_with_its_place_and_what_may_have_been_meant() {
    let directory = directory();
    for (text, words) in [
        (
            "port = 1\nmailbox_days = 7\n",
            &["line 2", "mailbox_days", "mailbox-days"][..],
        ),
        ("port = 70000\n", &["line 1", "port", "70000", "65535"]),
        ("port = true\n", &["line 1", "port must be a number"]),
        ("profile = \"fats\"\n", &["profile", "fast", "report"]),
        ("[limits]\nport = 1\n", &["line 1", "limits", "no tables"]),
        ("secret = \"hush\n", &["line 1", "TOML"]),
    ] {
        let config = file(&directory, "bad.toml", text);
        let checked = complains(&["config", "check", &config], &[]);
        let served = complains(&["serve", "--config", &config], &[]);
        assert_eq!(checked, served);
        for word in words.iter().chain([&"bad.toml"]) {
            assert!(checked.contains(word), "{word} in {checked}");
        }
        assert!(!checked.contains("hush"), "{checked}");
    }
    let variable = complains(&["config", "show"], &[("REGROW_PORT", "tcp://10.0.0.1")]);
    assert!(variable.contains("REGROW_PORT: port"), "{variable}");
    let missing = complains(&["config", "check", "no-such.toml"], &[]);
    assert!(missing.contains("no-such.toml"), "{missing}");
}

#[test]
fn settings_that_do_not_go_together_are_refused_by_a_check_too() {
    let directory = directory();
    let text = "heartbeat = \"1s\"\nsilence = \"1s\"\n";
    let config = file(&directory, "apart.toml", text);
    let checked = complains(&["config", "check", &config], &[]);
    assert!(checked.contains("two heartbeats"), "{checked}");
}

#[test]
fn what_is_shown_can_be_read_again() {
    let directory = directory();
    let arguments = ["config", "show", "--join", "a:1", "--no-echo", "-lp", "0"];
    let text = prints(&arguments, &[]);
    let config = file(&directory, "shown.toml", &text);
    let told = prints(&["config", "check", &config], &[]);
    assert!(told.contains("all understood"), "{told}");
    let port = shown("port", &["--config", &config], &[]);
    assert!(port.starts_with("port = 0 #"), "{port}");
}

#[test]
fn a_server_runs_with_what_its_file_says_and_its_secret_may_stand_in_another() {
    let (directory, one, other) = (directory(), directory(), directory());
    let secret = file(&directory, "secret", &format!("{SECRET}\n"));
    let text = format!("secret-file = {secret:?}\nhttp = \"127.0.0.1:0\"\n");
    let config = file(&directory, "r.toml", &text);
    let mut root = Server::start(one.path(), &["--config", &config]);
    assert!(root.log.iter().any(|line| line.starts_with("http on ")));
    let join = format!("localhost:{}", root.port);
    let arguments = ["--join", &join, "--secret", SECRET];
    let mut child = Server::start(other.path(), &arguments);
    child.until("joined");
    root.until("child_joined");

    let empty = file(&directory, "empty", "\n");
    let arguments = ["serve", "--port", "0", "--secret-file", &empty, "--data"];
    let data = directory.path().join("data");
    let data = data.to_str().expect("it has a name in UTF-8");
    let complaint = complains(&[&arguments[..], &[data]].concat(), &[]);
    assert!(complaint.contains("is empty"), "{complaint}");
}

#[test]
fn a_server_that_is_told_to_reads_its_limits_again_and_keeps_them_if_it_cannot() {
    let (directory, data) = (directory(), directory());
    let config = file(
        &directory,
        "r.toml",
        "max-connections = 1000\nmailbox-days = 7\n",
    );
    let (mut server, url) = with_pages(data.path(), &["--config", &config]);
    file(
        &directory,
        "r.toml",
        "max-connections = 1\nmailbox-days = 8\n",
    );
    server.signal("HUP");
    server.until("limits_reloaded");
    let settings = &status(&url)["settings"];
    assert_eq!(settings["max-connections"], 1);
    assert_eq!(settings["mailbox-days"], 7);
    let _first = Client::of(&server);
    soon("the second one is told that there is no room", || {
        let told = Client::of(&server).hears()?;
        told.contains("as many connections as it takes")
            .then_some(())
    });

    file(&directory, "r.toml", "max-connections = many\n");
    server.signal("HUP");
    assert!(server.until("limits_kept").contains("line 1"));
    assert_eq!(status(&url)["settings"]["max-connections"], 1);
}

#[test]
fn a_log_for_programs_has_an_event_in_each_line() {
    let (one, other) = (directory(), directory());
    let mut root = Server::start(one.path(), &["--secret", SECRET, "--log", "json"]);
    let join = format!("localhost:{}", root.port);
    let arguments = ["--join", &join, "--secret", SECRET, "--log", "json"];
    let mut child = Server::start(other.path(), &arguments);
    let joined: Value = serde_json::from_str(&child.until("joined")).expect("it is JSON");
    assert_eq!(joined["event"], "joined");
    assert_eq!(joined["parent"], *join);
    assert_eq!(joined["level"], "INFO");
    root.until("child_joined");
    let logged = root.log.iter().filter(|line| line.starts_with('{'));
    for line in logged {
        let line: Value = serde_json::from_str(line).expect("it is JSON");
        assert!(line["event"].is_string(), "{line}");
    }
}

#[test]
fn a_level_of_the_log_that_makes_no_sense_is_named() {
    for wrong in ["info=loud", "regrow=info=debug"] {
        let output = regrow(&["config", "show"], &[("RUST_LOG", wrong)]);
        assert_eq!(output.status.code(), Some(2), "{wrong}");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(complaint.contains("RUST_LOG"), "{complaint}");
        assert!(complaint.contains("RUST_LOG=debug"), "{complaint}");
    }
    for right in ["", "debug", "regrow=trace,info"] {
        prints(&["config", "show"], &[("RUST_LOG", right)]);
    }
}

#[test]
fn users_that_were_imported_log_in_and_those_that_were_there_stay_as_they_are() {
    // Its disk is changed while it is down.
    Server::unrecorded();
    let (directory, data) = (directory(), directory());
    let dir = data.path().to_str().expect("it has a name in UTF-8");
    let mut server = Server::start(data.path(), &[]);
    let register = r#"{"command":"REGISTER","username":"aaron","secret":"s1"}"#;
    answer(&server, register);
    let users = file(
        &directory,
        "users.json",
        r#"{"ben":{"password":"s2","registertime":1795000000000},
            "aaron":{"password":"stolen","registertime":1},
            "kept":{"my_secret":"","registertime":0}}"#,
    );
    let busy = complains(&["users", "import", dir, &users], &[]);
    assert!(busy.contains("in use"), "{busy}");
    server.signal("TERM");
    server.ends();

    let told = prints(&["users", "import", dir, &users], &[]);
    assert!(told.contains("imported 2 users; 1 were there"), "{told}");
    let told = prints(&["users", "import", dir, &users], &[]);
    assert!(told.contains("imported 0 users; 3 were there"), "{told}");
    let list = prints(&["users", "list", dir], &[]);
    let names: Vec<_> = list
        .lines()
        .filter_map(|line| line.split_whitespace().last())
        .collect();
    assert_eq!(names, ["aaron", "ben", "kept"]);

    let server = Server::start(data.path(), &[]);
    for (user, secret, outcome) in [
        ("ben", "s2", "LOGIN_SUCCESS"),
        ("ben", "s1", "LOGIN_FAILED"),
        ("aaron", "s1", "LOGIN_SUCCESS"),
        ("aaron", "stolen", "LOGIN_FAILED"),
        ("kept", "*", "LOGIN_FAILED"),
        ("kept", "!", "LOGIN_FAILED"),
    ] {
        let answer = answer(&server, &login(user, secret));
        assert!(answer.contains(outcome), "{user}: {answer}");
    }
    let taken = r#"{"command":"REGISTER","username":"kept","secret":"s1"}"#;
    assert!(answer(&server, taken).contains("REGISTER_FAILED"));
}

#[test]
fn users_that_were_exported_are_imported_elsewhere_and_the_tree_hears_of_them() {
    // Its disk is changed while it is down.
    Server::unrecorded();
    let (directory, one, other) = (directory(), directory(), directory());
    let dirs = [one.path(), other.path()].map(|dir| dir.to_str().expect("UTF-8"));
    let mut ports = Vec::new();
    for data in [&one, &other] {
        let mut server = Server::start(data.path(), &["--secret", SECRET]);
        ports.push(server.port);
        if data.path() == one.path() {
            let register = r#"{"command":"REGISTER","username":"aaron","secret":"s1"}"#;
            answer(&server, register);
        }
        server.signal("TERM");
        server.ends();
    }
    let exported = directory.path().join("out.json");
    let exported = exported.to_str().expect("UTF-8");
    prints(&["users", "export", dirs[0], exported], &[]);
    let text = std::fs::read_to_string(exported).expect("it is there");
    assert!(!text.contains("s1"), "{text}");
    assert_eq!(prints(&["users", "export", dirs[0]], &[]), text);
    let again = complains(&["users", "export", dirs[0], exported], &[]);
    assert!(again.contains("exists"), "{again}");
    let told = prints(&["users", "import", dirs[1], exported], &[]);
    assert!(told.contains("imported 1 users"), "{told}");

    // A third server that has never heard of them joins the second.
    let third = tempdir().expect("a directory for the test");
    let second = Server::start_on(ports[1], other.path(), &["--secret", SECRET]);
    let join = format!("localhost:{}", second.port);
    let (mut third, url) = with_pages(third.path(), &["--join", &join, "--secret", SECRET]);
    third.until("joined");
    soon("the third server knows the user", || {
        (status(&url)["users"]["registered"] == 1).then_some(())
    });
    assert!(answer(&third, &login("aaron", "s1")).contains("LOGIN_SUCCESS"));
}

#[test]
fn a_name_that_a_terminal_would_obey_is_listed_escaped() {
    let data = directory();
    let mut server = Server::start(data.path(), &[]);
    let register = r#"{"command":"REGISTER","username":"\u001b[2Jo'brien\n","secret":"s1"}"#;
    let answer = answer(&server, register);
    assert!(answer.contains("REGISTER_SUCCESS"), "{answer}");
    server.signal("TERM");
    server.ends();
    let dir = data.path().to_str().expect("UTF-8");
    let list = prints(&["users", "list", dir], &[]);
    assert!(list.ends_with("  \\u{1b}[2Jo'brien\\n\n"), "{list:?}");
}

#[test]
fn a_file_of_users_is_imported_as_a_whole_or_not_at_all() {
    let (directory, data) = (directory(), directory());
    let dir = data.path().to_str().expect("it has a name in UTF-8");
    let mut server = Server::start(data.path(), &[]);
    server.signal("TERM");
    server.ends();
    let good = r#""aaron":{"password":"hush","registertime":1}"#;
    for (bad, words) in [
        (r#""ben":{"hash":"$argon2id$x","registertime":1}"#, "ben"),
        (
            r#""ben":{"password":"x","registertime":9999999999999}"#,
            "ms",
        ),
        (
            r#""anonymous":{"password":"x","registertime":1}"#,
            "nobody can own",
        ),
        (r#""ben":{"password":"x"}"#, "ben"),
        (r#""ben":"#, "not JSON"),
    ] {
        let users = file(&directory, "users.json", &format!("{{{good},{bad}}}"));
        let complaint = complains(&["users", "import", dir, &users], &[]);
        assert!(complaint.contains(words), "{complaint}");
        assert!(!complaint.contains("hush"), "{complaint}");
        assert_eq!(prints(&["users", "list", dir], &[]), "");
    }
    let nowhere = directory.path().join("nowhere");
    let nowhere = nowhere.to_str().expect("UTF-8");
    let complaint = complains(&["users", "list", nowhere], &[]);
    assert!(complaint.contains("is not there"), "{complaint}");
}
