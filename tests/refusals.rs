//! Servers that are no peers of each other, over each kind of link: both sides say why. And whoever comes to nothing is counted.

#![expect(
    clippy::unwrap_used,
    reason = "what the far ends of these tests can't do fails them"
)]

mod process;

use std::any::Any;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use process::laboratory::Laboratory;
use process::talks::connect;
use process::{PATIENCE, Server};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{ClientConfig, Endpoint, ServerConfig};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, join};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// How servers link.
#[derive(Clone, Copy)]
enum By {
    Tcp,
    Tls,
    Quic,
}

macro_rules! over {
    ($($name:ident: $by:expr),* $(,)?) => {$(
        mod $name {
            use super::*;

            over!($by, [
                servers_with_different_secrets_are_told_so_on_both_sides,
                a_server_that_speaks_another_version_is_told_so_when_it_dials,
                a_server_that_dials_one_of_another_version_says_what_it_heard,
            ]);
        }
    )*};
    ($by:expr, [$($refusal:ident),* $(,)?]) => {$(
        #[test]
        fn $refusal() {
            super::$refusal($by);
        }
    )*};
}

over!(tcp: By::Tcp, tls: By::Tls, quic: By::Quic);

impl By {
    fn scheme(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Quic => "quic",
        }
    }

    fn address(self, port: u16) -> String {
        format!("{}://localhost:{port}", self.scheme())
    }
}

/// Bytes, both ways.
trait Duplex: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Duplex for T {}

/// What looks like a server on a link.
struct Impostor {
    stream: BufReader<Box<dyn Duplex>>,
    /// What the stream rests on.
    _below: Box<dyn Any>,
}

impl Impostor {
    fn new(stream: impl Duplex + 'static, below: impl Any) -> Self {
        Self {
            stream: BufReader::new(Box::new(stream)),
            _below: Box::new(below),
        }
    }

    /// Dials a server, with a certificate that it believes.
    async fn dial(by: By, laboratory: &Laboratory, port: u16) -> Self {
        let place = ("127.0.0.1", port);
        match by {
            By::Tcp => Self::new(TcpStream::connect(place).await.unwrap(), ()),
            By::Tls => {
                let connector = TlsConnector::from(Arc::new(laboratory.asking(true)));
                let stream = TcpStream::connect(place).await.unwrap();
                let name = "localhost".try_into().unwrap();
                Self::new(connector.connect(name, stream).await.unwrap(), ())
            }
            By::Quic => {
                let (endpoint, connecting) = by_quic(laboratory, true, port);
                let connection = connecting.await.unwrap();
                let (send, receive) = connection.open_bi().await.unwrap();
                Self::new(join(receive, send), (endpoint, connection))
            }
        }
    }

    /// Is dialed by a server, which is told where.
    async fn listen(by: By, laboratory: &Laboratory, told: impl FnOnce(u16)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap();
        let mut answering = laboratory.answering();
        match by {
            By::Tcp => {
                told(here.port());
                Self::new(listener.accept().await.unwrap().0, ())
            }
            By::Tls => {
                told(here.port());
                let acceptor = TlsAcceptor::from(Arc::new(answering));
                let (stream, _) = listener.accept().await.unwrap();
                Self::new(acceptor.accept(stream).await.unwrap(), ())
            }
            By::Quic => {
                answering.alpn_protocols = vec![b"regrow".to_vec()];
                let crypto = QuicServerConfig::try_from(answering).unwrap();
                let config = ServerConfig::with_crypto(Arc::new(crypto));
                let endpoint = Endpoint::server(config, here).unwrap();
                told(here.port());
                let connection = endpoint.accept().await.unwrap().await.unwrap();
                let (send, receive) = connection.accept_bi().await.unwrap();
                Self::new(join(receive, send), (endpoint, connection))
            }
        }
    }

    async fn says(&mut self, line: &Value) {
        let line = format!("{line}\n");
        let stream = self.stream.get_mut();
        stream.write_all(line.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
    }

    async fn hears(&mut self) -> Value {
        let mut line = String::new();
        let heard = self.stream.read_line(&mut line);
        let heard = tokio::time::timeout(PATIENCE, heard).await;
        heard.expect("an answer in time").expect("an answer");
        serde_json::from_str(&line).expect("JSON")
    }
}

/// Begins to dial a server by QUIC, with a certificate or without one.
fn by_quic(
    laboratory: &Laboratory,
    is_certified: bool,
    port: u16,
) -> (Endpoint, quinn::Connecting) {
    let mut asking = laboratory.asking(is_certified);
    asking.alpn_protocols = vec![b"regrow".to_vec()];
    let crypto = QuicClientConfig::try_from(asking).unwrap();
    let config = ClientConfig::new(Arc::new(crypto));
    let endpoint = Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
    let to = ([127, 0, 0, 1], port).into();
    let connecting = endpoint.connect_with(config, to, "localhost").unwrap();
    (endpoint, connecting)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    runtime.block_on(future)
}

fn directory() -> TempDir {
    tempdir().expect("a directory for the test")
}

/// A root with certificates and pages.
struct Root {
    server: Server,
    url: String,
    _data: TempDir,
}

impl Root {
    fn start(laboratory: &Laboratory) -> Self {
        let data = directory();
        let server = laboratory.start(data.path(), &["--http", "127.0.0.1:0"]);
        let url = server
            .log
            .iter()
            .find_map(|line| line.strip_prefix("http on "));
        let url = url.expect("it says where its pages are").to_owned();
        Self {
            server,
            url,
            _data: data,
        }
    }

    /// Waits until this is counted.
    fn counts(&self, what: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut page = ureq::get(format!("{}/metrics", self.url)).call().unwrap();
            let text = page.body_mut().read_to_string().unwrap();
            let value = text.lines().find_map(|line| line.strip_prefix(what));
            let value = value.unwrap_or_else(|| panic!("no {what} in {text}"));
            if value.trim() != "0" {
                return;
            }
            assert!(Instant::now() < deadline, "{what} {value}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn servers_with_different_secrets_are_told_so_on_both_sides(by: By) {
    let laboratory = Laboratory::new();
    let mut root = Root::start(&laboratory);
    let data = directory();
    let join = by.address(root.server.port);
    let flags = ["--join", &join, "--secret", "another"];
    let flags = [&laboratory.certificates()[..], &flags.map(String::from)].concat();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let mut stranger = Server::start(data.path(), &flags);
    stranger.until("secret_refused");
    let refusal = root.server.until("dialer_refused");
    assert!(refusal.contains("another secret"), "{refusal}");
    assert!(refusal.contains("127.0.0.1"), "{refusal}");
    root.counts(r#"regrow_dialers_refused_total{reason="secret"}"#);
}

fn a_server_that_speaks_another_version_is_told_so_when_it_dials(by: By) {
    let laboratory = Laboratory::new();
    let mut root = Root::start(&laboratory);
    let answer = block_on(async {
        let mut older = Impostor::dial(by, &laboratory, root.server.port).await;
        let nonce = "0".repeat(64);
        let challenge = json!({"command": "CHALLENGE", "v": 1, "nonce": nonce});
        older.says(&challenge).await;
        older.hears().await
    });
    assert_eq!(answer["command"], "INVALID_MESSAGE");
    let info = answer["info"].as_str().expect("a reason");
    assert!(info.contains("version"), "{info}");
    let refusal = root.server.until("dialer_refused");
    assert!(refusal.contains("another version"), "{refusal}");
    root.counts(r#"regrow_dialers_refused_total{reason="version"}"#);
}

fn a_server_that_dials_one_of_another_version_says_what_it_heard(by: By) {
    let laboratory = Laboratory::new();
    let data = directory();
    let mut server = None;
    block_on(async {
        let start = |port| {
            let join = by.address(port);
            // Longer than the start of a server may take: the far end is not heard before.
            let flags = laboratory.all(&["--join", &join, "--dial-timeout", "20s"]);
            server = Some(Server::start(data.path(), &flags));
        };
        let mut newer = Impostor::listen(by, &laboratory, start).await;
        assert_eq!(newer.hears().await["command"], "CHALLENGE");
        let info = "this server speaks version 99";
        newer
            .says(&json!({"command": "INVALID_MESSAGE", "info": info}))
            .await;
        let mut server = server.take().expect("it was started");
        let complaint = tokio::task::spawn_blocking(move || server.until("incompatible"));
        let complaint = complaint.await.unwrap();
        assert!(complaint.contains("version 99"), "{complaint}");
        assert!(
            complaint.contains(by.scheme()) || matches!(by, By::Tcp),
            "{complaint}"
        );
    });
}

#[test]
fn a_server_without_a_certificate_is_refused_in_words_over_tls() {
    let laboratory = Laboratory::new();
    let mut root = Root::start(&laboratory);
    let mut stranger = process::talks::Lines::new(laboratory.secure(&root.server));
    let version = regrow_model::message::decode::VERSION;
    let challenge = json!({"command": "CHALLENGE", "v": version, "nonce": "0".repeat(64)});
    let answer = process::talks::Talks::asks(&mut stranger, &challenge);
    assert_eq!(answer["command"], "INVALID_MESSAGE");
    let refusal = root.server.until("dialer_refused");
    assert!(refusal.contains("certificate"), "{refusal}");
    root.counts(r#"regrow_dialers_refused_total{reason="certificate"}"#);
}

#[test]
fn a_server_without_a_certificate_gets_no_connection_by_quic() {
    let laboratory = Laboratory::new();
    let root = Root::start(&laboratory);
    block_on(async {
        let (_endpoint, connecting) = by_quic(&laboratory, false, root.server.port);
        // Its own side of the handshake may be over before it hears of the other's.
        if let Ok(connection) = connecting.await {
            connection.closed().await;
        }
    });
    root.counts(r#"regrow_handshakes_failed_total{transport="quic"}"#);
}

#[test]
fn what_looks_like_tls_or_websocket_and_is_neither_is_counted() {
    let laboratory = Laboratory::new();
    let root = Root::start(&laboratory);
    for nonsense in [&b"\x16\x03\x01\x00\x05nope!"[..], b"GET / HTTP/1.1\r\n\r\n"] {
        let mut stream = connect(&root.server);
        stream.write_all(nonsense).expect("the server is there");
        let _ = stream.read_to_end(&mut Vec::new());
    }
    root.counts(r#"regrow_handshakes_failed_total{transport="tls"}"#);
    root.counts(r#"regrow_handshakes_failed_total{transport="websocket"}"#);
}

#[test]
fn a_handshake_that_never_ends_is_given_up_as_a_stranger_is() {
    let laboratory = Laboratory::new();
    let data = directory();
    let server = laboratory.start(data.path(), &["--login-seconds", "1", "--linger", "500ms"]);
    for beginning in [&b"\x16\x03\x01\x02\x00\x01"[..], b"GET / HTTP/1.1\r\n"] {
        let mut stream = connect(&server);
        stream.write_all(beginning).expect("the server is there");
        let began = Instant::now();
        let _ = stream.read_to_end(&mut Vec::new());
        assert!(began.elapsed() < PATIENCE / 2, "{:?}", began.elapsed());
    }
}

/// What a server says that doesn't start.
fn complains(data: &Path, flags: &[&str], variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_regrow"));
    command.args(["serve", "--port", "0", "--data"]).arg(data);
    command.args(flags).envs(variables.iter().copied());
    let output = command.output().expect("the binary can be started");
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).expect("UTF-8")
}

#[test]
fn intervals_that_dont_go_together_are_refused_whichever_layer_they_come_from() {
    let data = directory();
    let silence = complains(data.path(), &["--silence", "500ms"], &[]);
    assert!(silence.contains("two heartbeats of 300ms"), "{silence}");
    assert!(silence.contains("at least 600ms"), "{silence}");
    let flags = ["--silence", "1s"];
    let silence = complains(data.path(), &flags, &[("REGROW_HEARTBEAT", "0.6s")]);
    assert!(silence.contains("at least 1.2s"), "{silence}");
    let flags = ["--redial-first", "2s", "--redial-most", "1s"];
    let redial = complains(data.path(), &flags, &[]);
    assert!(redial.contains("--redial-most 1s is shorter"), "{redial}");
    let time = complains(data.path(), &["--probe", "60"], &[]);
    assert!(time.contains("a time such as 200ms"), "{time}");
    assert!(
        data.path()
            .read_dir()
            .expect("it is there")
            .next()
            .is_none()
    );
}
