//! Users in a file: imported, exported, listed.

mod process;

use process::pages::{status, with_pages};
use process::program::{complains, file, nowhere, prints};
use process::{Client, SECRET, Server, soon};

fn login(user: &str, secret: &str) -> String {
    format!(r#"{{"command":"LOGIN","username":"{user}","secret":"{secret}"}}"#)
}

#[test]
fn users_that_were_imported_log_in_and_those_that_were_there_stay_as_they_are() {
    // Its disk is changed while it is down.
    Server::unrecorded();
    let (directory, data) = (nowhere(), nowhere());
    let dir = data.path().to_str().expect("it has a name in UTF-8");
    let mut server = Server::start(data.path(), &[]);
    let register = r#"{"command":"REGISTER","username":"aaron","secret":"s1"}"#;
    Client::answer(&server, register);
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
        let answer = Client::answer(&server, &login(user, secret));
        assert!(answer.contains(outcome), "{user}: {answer}");
    }
    let taken = r#"{"command":"REGISTER","username":"kept","secret":"s1"}"#;
    assert!(Client::answer(&server, taken).contains("REGISTER_FAILED"));
}

#[test]
fn users_that_were_exported_are_imported_elsewhere_and_the_tree_hears_of_them() {
    // Its disk is changed while it is down.
    Server::unrecorded();
    let (directory, one, other) = (nowhere(), nowhere(), nowhere());
    let dirs = [one.path(), other.path()].map(|dir| dir.to_str().expect("UTF-8"));
    let mut ports = Vec::new();
    for data in [&one, &other] {
        let mut server = Server::start(data.path(), &["--secret", SECRET]);
        ports.push(server.port);
        if data.path() == one.path() {
            let register = r#"{"command":"REGISTER","username":"aaron","secret":"s1"}"#;
            Client::answer(&server, register);
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
    let third = nowhere();
    let second = Server::start_on(ports[1], other.path(), &["--secret", SECRET]);
    let join = format!("localhost:{}", second.port);
    let (mut third, url) = with_pages(third.path(), &["--join", &join, "--secret", SECRET]);
    third.until("joined");
    soon("the third server knows the user", || {
        (status(&url)["users"]["registered"] == 1).then_some(())
    });
    assert!(Client::answer(&third, &login("aaron", "s1")).contains("LOGIN_SUCCESS"));
}

#[test]
fn a_name_that_a_terminal_would_obey_is_listed_escaped() {
    let data = nowhere();
    let mut server = Server::start(data.path(), &[]);
    let register = r#"{"command":"REGISTER","username":"\u001b[2Jo'brien\n","secret":"s1"}"#;
    let answer = Client::answer(&server, register);
    assert!(answer.contains("REGISTER_SUCCESS"), "{answer}");
    server.signal("TERM");
    server.ends();
    let dir = data.path().to_str().expect("UTF-8");
    let list = prints(&["users", "list", dir], &[]);
    assert!(list.ends_with("  \\u{1b}[2Jo'brien\\n\n"), "{list:?}");
}

#[test]
fn a_file_of_users_is_imported_as_a_whole_or_not_at_all() {
    let (directory, data) = (nowhere(), nowhere());
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
