//! What an operator sets: flags, variables, a file, limits that are read again, logs.

mod process;

use process::pages::{status, with_pages};
use process::program::{complains, file, nowhere, prints, regrow_in};
use process::{Client, SECRET, Server, soon};
use serde_json::Value;

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

#[test]
fn a_flag_is_stronger_than_a_variable_which_is_stronger_than_the_file() {
    let directory = nowhere();
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
    let directory = nowhere();
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
    let directory = nowhere();
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
    let directory = nowhere();
    let text = "heartbeat = \"1s\"\nsilence = \"1s\"\n";
    let config = file(&directory, "apart.toml", text);
    let checked = complains(&["config", "check", &config], &[]);
    assert!(checked.contains("two heartbeats"), "{checked}");
}

#[test]
fn what_is_shown_can_be_read_again() {
    let directory = nowhere();
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
    let (directory, one, other) = (nowhere(), nowhere(), nowhere());
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
    let (directory, data) = (nowhere(), nowhere());
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
    let (one, other) = (nowhere(), nowhere());
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
        let output = regrow_in(&[("RUST_LOG", wrong)], &["config", "show"]);
        assert_eq!(output.status.code(), Some(2), "{wrong}");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(complaint.contains("RUST_LOG"), "{complaint}");
        assert!(complaint.contains("RUST_LOG=debug"), "{complaint}");
    }
    for right in ["", "debug", "regrow=trace,info"] {
        prints(&["config", "show"], &[("RUST_LOG", right)]);
    }
}
