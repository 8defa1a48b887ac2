//! `regrow bench` as a person and as a script meet it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::tempdir;

/// What must be 0 in every run.
const FAULTS: [&str; 5] = [
    "lost",
    "duplicates",
    "disorder",
    "unexpected_closes",
    "unacknowledged",
];

/// A process that ends with the test.
struct Process {
    child: Child,
    port: u16,
}

impl Process {
    /// Starts something that says where it listens.
    fn listening(command: &mut Command) -> Self {
        let mut child = command
            .env("RUST_LOG", "off")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary can be started");
        let stdout = child.stdout.take().expect("its output is ours");
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let port = lines.find_map(|line| {
            let address = line.strip_prefix("listening on ")?;
            address.rsplit_once(':')?.1.parse().ok()
        });
        let port = port.expect("it says its port");
        Self { child, port }
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn regrow() -> Command {
    Command::new(env!("CARGO_BIN_EXE_regrow"))
}

fn bench(arguments: &str) -> Output {
    regrow()
        .arg("bench")
        .args(arguments.split(' '))
        .args(["--json", "--quiet"])
        .output()
        .expect("the binary can be started")
}

fn objects(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    let object = |line| serde_json::from_str(line).expect("an object a line");
    text.lines().map(object).collect()
}

/// The one object of a run in which nothing went wrong.
fn sound(arguments: &str) -> Value {
    let output = bench(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    let objects = objects(&output);
    assert!(output.status.success(), "{arguments}: {errors} {objects:?}");
    let [object] = objects.as_slice() else {
        panic!("one run, one object: {objects:?}");
    };
    assert_eq!(
        object["workload"],
        arguments.split(' ').next().unwrap_or_default()
    );
    for fault in FAULTS {
        assert!(
            object[fault].is_null() || object[fault] == 0,
            "{fault} in {object}"
        );
    }
    object.clone()
}

fn number(object: &Value, name: &str) -> f64 {
    let number = object[name].as_f64();
    number.unwrap_or_else(|| panic!("no {name} in {object}"))
}

#[test]
fn fan_out_delivers_each_message_to_each_receiver_once() {
    let run = sound("fanout --receivers 7 --seconds 0.3");
    assert!(number(&run, "sent") > 0.0);
    assert_eq!(number(&run, "delivered"), number(&run, "sent") * 7.0);
    let percentiles = ["p50", "p90", "p99", "p99_9", "max"];
    let latencies = percentiles.map(|share| number(&run, &format!("latency_{share}_us")));
    assert!(latencies[0] > 0.0 && latencies.is_sorted(), "{latencies:?}");
    assert!(number(&run, "deliveries_per_s") > 0.0);
}

#[test]
fn a_rate_is_kept_and_counted_from_when_messages_were_due() {
    let run = sound("rate --rate 400 --receivers 2 --seconds 0.5");
    assert_eq!(number(&run, "sent"), 200.0);
    assert_eq!(number(&run, "delivered"), 400.0);
    assert!(number(&run, "send_lag_p99_us") <= number(&run, "latency_max_us"));
}

#[test]
fn who_was_away_catches_up_and_what_was_said_is_acknowledged() {
    let run = sound("resume --receivers 3 --messages 3000");
    assert_eq!(number(&run, "delivered"), 9_000.0);
    assert_eq!(number(&run, "acknowledged"), 3_000.0);
    assert!(number(&run, "caught_up_max_us") > 0.0);
    let legacy = sound("resume --receivers 2 --messages 100 --legacy");
    assert_eq!(number(&legacy, "delivered"), 200.0);
}

#[test]
fn a_server_that_is_killed_between_others_costs_nothing_but_time() {
    let run = sound("failover --receivers 2 --rate 200 --seconds 2 --kill-after 0.5");
    assert_eq!(number(&run, "sent"), 400.0);
    assert_eq!(number(&run, "recovered_receivers"), 2.0);
    assert!(number(&run, "silence_max_us") > 0.0);
}

#[test]
fn the_other_workloads_measure_too() {
    let room = sound("room --clients 4 --seconds 0.2 --resuming");
    assert_eq!(number(&room, "delivered"), number(&room, "sent") * 4.0);
    let chain = sound("chain --nodes 2 --receivers 3 --seconds 0.2");
    assert_eq!(number(&chain, "servers"), 2.0);
    let registered = sound("register --connections 2 --count 4 --seconds 60");
    assert_eq!(number(&registered, "registered"), 4.0);
    assert!(number(&registered, "hash_us") > 0.0);
    let idle = sound("idle --connections 30 --seconds 0.1");
    assert_eq!(number(&idle, "connections"), 30.0);
    let ceiling = sound("ceiling --receivers 5 --seconds 0.2");
    assert_eq!(
        number(&ceiling, "delivered"),
        number(&ceiling, "sent") * 5.0
    );
}

#[test]
fn several_runs_are_told_one_by_one_and_as_their_median() {
    let output = bench("fanout --receivers 2 --seconds 0.1 --runs 3");
    let objects = objects(&output);
    assert_eq!(objects.len(), 4);
    assert_eq!(objects[3]["runs"], 3);
    let mut rates: Vec<f64> = objects[..3]
        .iter()
        .map(|run| number(run, "deliveries_per_s"))
        .collect();
    rates.sort_by(f64::total_cmp);
    assert_eq!(number(&objects[3], "deliveries_per_s"), rates[1]);
}

#[test]
fn it_measures_over_tls_and_websocket_too() {
    let directory = tempdir().expect("a directory for the test");
    let certificates = directory.path().to_str().expect("UTF-8");
    for what in [
        &["ca", certificates][..],
        &["node", certificates, "127.0.0.1"],
    ] {
        let made = regrow().arg("cert").args(what).status();
        assert!(made.is_ok_and(|status| status.success()));
    }
    let file = |name: &str| format!("{certificates}/{name}");
    let serve = ["serve", "--port", "0", "--host", "127.0.0.1", "--data"];
    let server = Process::listening(
        regrow()
            .args(serve)
            .arg(file("data"))
            .args(["--cert", &file("127.0.0.1.pem")])
            .args(["--key", &file("127.0.0.1.key"), "--require-tls"]),
    );
    for scheme in ["tls", "wss"] {
        let place = format!("--server {scheme}://{}", server.address());
        let over = |workload: &str| sound(&format!("{workload} {place} --ca {}", file("ca.pem")));
        let run = over("fanout --receivers 3 --seconds 0.3 --resuming");
        assert_eq!(number(&run, "delivered"), number(&run, "sent") * 3.0);
        let run = over("rate --rate 400 --receivers 2 --seconds 0.5");
        assert_eq!(number(&run, "delivered"), 400.0);
        let run = over("register --connections 2 --count 4 --seconds 60");
        assert_eq!(number(&run, "registered"), 4.0);
    }
    let refused = bench(&format!(
        "fanout --receivers 1 --server tls://{}",
        server.address()
    ));
    assert_eq!(refused.status.code(), Some(1));
    let why = String::from_utf8_lossy(&refused.stderr);
    assert!(why.contains("--ca"), "{why}");
}

#[test]
fn a_server_that_is_killed_unasked_is_a_failure() {
    let data = tempdir().expect("a directory for the test");
    let serve = [
        "serve",
        "--port",
        "0",
        "--host",
        "127.0.0.1",
        "--max-activities-per-second",
        "0",
        "--data",
    ];
    let mut server = Process::listening(regrow().args(serve).arg(data.path()));
    let mut bench = regrow()
        .args([
            "bench",
            "fanout",
            "--receivers",
            "3",
            "--seconds",
            "60",
            "--json",
        ])
        .args(["--server", &server.address()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary can be started");
    let progress = BufReader::new(bench.stderr.take().expect("its progress is ours"));
    let mut progress = progress.lines().map_while(Result::ok);
    let heard = |line: String| line.contains("4 clients") && !line.contains(" 0 heard");
    assert!(progress.any(heard), "it tells how far it is");
    server.kill();
    progress.for_each(drop);
    let output = bench.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    let [run] = objects(&output).try_into().expect("one run, one object");
    assert_eq!(number(&run, "unexpected_closes"), 4.0);
}

#[test]
fn a_mistake_of_a_server_is_noticed_and_counted() {
    for (mistake, fault, times) in [
        ("loss", "lost", 3.0),
        ("duplicate", "duplicates", 3.0),
        ("disorder", "disorder", 3.0),
        ("close", "unexpected_closes", 1.0),
    ] {
        let mock = Process::listening(regrow().args(["bench", "mock", "--mistake", mistake]));
        let arguments = format!(
            "fanout --receivers 3 --seconds 0.5 --patience 0.5 --server {}",
            mock.address()
        );
        let output = bench(&arguments);
        assert_eq!(output.status.code(), Some(1), "{mistake}");
        let [run] = objects(&output).try_into().expect("one run, one object");
        assert_eq!(number(&run, fault), times, "{mistake}: {run}");
        for other in FAULTS.iter().filter(|other| **other != fault) {
            assert_eq!(number(&run, other), 0.0, "{mistake}: {run}");
        }
    }
}

#[test]
fn without_a_server_it_says_what_is_wrong() {
    let output = bench("fanout --receivers 1 --server 127.0.0.1:1");
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        errors.contains("only 0 of 2 clients could log in"),
        "{errors}"
    );
}
