//! The pages of a server, read over HTTP.

use std::path::Path;

use serde_json::Value;

use super::{PATIENCE, SECRET, Server};

/// A server with pages, and where they are.
pub(crate) fn with_pages(data: &Path, arguments: &[&str]) -> (Server, String) {
    let arguments = [&["--http", "127.0.0.1:0"], arguments].concat();
    let server = Server::start(data, &arguments);
    let line = server.log.iter().find(|line| line.starts_with("http on "));
    let line = line.expect("it says where its pages are");
    let url = line.trim_start_matches("http on ").to_owned();
    (server, url)
}

/// The status and the text of a page.
pub(crate) fn page(url: &str, path: &str) -> (u16, String) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .build()
        .into();
    let mut answer = agent.get(format!("{url}{path}")).call().expect("an answer");
    let text = answer.body_mut().read_to_string().expect("a text");
    (answer.status().as_u16(), text)
}

/// What it says of itself to programs.
pub(crate) fn status(url: &str) -> Value {
    let (code, text) = page(url, "/api/status");
    assert_eq!(code, 200, "{text}");
    assert!(!text.contains(SECRET), "{text}");
    serde_json::from_str(&text).expect("it is JSON")
}
