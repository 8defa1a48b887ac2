//! What an operator sees: pages over HTTP, `regrow status`, what commands say.

mod process;

use std::process::{Command, Stdio};

use process::pages::{page, status, with_pages};
use process::program::{complains, nowhere, prints};
use process::{Client, SECRET, soon};
use serde_json::Value;

#[test]
fn a_root_lives_and_is_ready_and_shows_nothing_but_its_pages() {
    let data = nowhere();
    let (_root, url) = with_pages(data.path(), &[]);
    assert_eq!(page(&url, "/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(page(&url, "/readyz"), (200, "ready\n".to_owned()));
    let (code, text) = page(&url, "/secret");
    assert_eq!(code, 404);
    assert!(text.contains("/api/status"), "{text}");
}

#[test]
fn a_joiner_that_reaches_nobody_lives_and_is_not_ready_and_says_why() {
    let data = nowhere();
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
    let data = nowhere();
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
    let data = nowhere();
    let (server, url) = with_pages(data.path(), &[]);
    let register = r#"{"command":"REGISTER","username":"aaron","secret":"s1"}"#;
    let mut aaron = Client::of(&server);
    aaron.says(register);
    aaron.hears().expect("REGISTER_SUCCESS");
    aaron.says(
        r#"{"command":"ACTIVITY_MESSAGE","username":"aaron","secret":"s1","activity":{"a":1}}"#,
    );
    aaron.hears().expect("its own activity");
    let login = r#"{"command":"LOGIN","username":"aaron","secret":"wrong"}"#;
    Client::answer(&server, login);
    Client::answer(&server, "nonsense");

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
    let data = nowhere();
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
    let data = nowhere();
    let (server, url) = with_pages(data.path(), &[]);
    let mut client = Client::of(&server);
    client.says(r#"{"command":"LOGIN","username":"anonymous"}"#);
    client.hears().expect("LOGIN_SUCCESS");
    Client::answer(&server, "nonsense");
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
    Client::answer(&server, register);
    let hashed = "regrow_secret_hashes_total{outcome=\"done\"} 1";
    let (_, text) = page(&url, "/metrics");
    assert!(text.lines().any(|found| found == hashed), "{text}");
}

#[test]
#[ignore = "needs promtool, which is in Debian's prometheus"]
fn promtool_has_no_complaint_about_the_metrics() {
    use std::io::Write;
    let data = nowhere();
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
    let (one, other) = (nowhere(), nowhere());
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
    let data = nowhere();
    let (mut root, url) = with_pages(data.path(), &[]);
    let new = nowhere();
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
