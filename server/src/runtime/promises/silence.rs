//! What the transport notices by itself: a server that is silent, a client that has received.

use regrow_model::port::{Input, Link};
use tokio::net::{TcpListener, TcpSocket};
use tokio::time::{Instant, sleep, timeout};

use super::puppet::{
    By, Heard, PACE, Pull, Puppet, Raw, address_of, line, login, server_line, soon, wire,
};

async fn dialed_by(puppet: &mut Puppet) -> (Raw, Link) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    puppet.pull([Pull::Open(address_of(&listener))]).await;
    let (stream, _) = soon(listener.accept()).await.unwrap();
    let mut raw = Raw::of(stream);
    raw.greets().await;
    (raw, puppet.hears_up().await)
}

#[tokio::test]
async fn a_server_that_is_silent_is_down_whatever_the_kernel_says() {
    let mut puppet = Puppet::new().await;
    let (mut raw, link) = dialed_by(&mut puppet).await;
    puppet.pull([Pull::Say(link, server_line())]).await;
    let began = Instant::now();
    let down = Heard::Input(Input::Down { link });
    assert_eq!(puppet.hears().await, down);
    assert!(began.elapsed() >= PACE.silence / 2);
    // Meanwhile we were not silent ourselves.
    raw.reads().await;
    assert_eq!(raw.reads().await.as_deref(), Some(""));
}

pub(super) async fn a_server_that_has_linked_and_falls_silent_is_down(by: By) {
    let mut puppet = Puppet::by(by).await;
    let (mut raw, link) = puppet.raw().await;
    raw.proves().await;
    raw.say(&server_line()).await;
    puppet.hears().await;
    let began = Instant::now();
    let down = Heard::Input(Input::Down { link });
    assert_eq!(puppet.hears().await, down);
    assert!(began.elapsed() >= PACE.silence / 2);
}

pub(super) async fn two_servers_with_nothing_to_say_stay_linked(by: By) {
    let (mut here, mut there) = (Puppet::by(by).await, Puppet::by(by).await);
    here.pull([Pull::Open(there.address.clone())]).await;
    let link = here.hears_up().await;
    there.hears_up().await;
    here.pull([Pull::Say(link, server_line())]).await;
    there.hears().await;
    sleep(3 * PACE.silence).await;
    assert_eq!((here.has_heard(), there.has_heard()), (None, None));
}

pub(super) async fn a_client_may_be_silent_and_gets_no_heartbeat(by: By) {
    let mut puppet = Puppet::by(by).await;
    let (mut raw, link) = puppet.raw().await;
    raw.say(&login()).await;
    puppet.hears().await;
    sleep(2 * PACE.silence).await;
    assert!(raw.is_quiet());
    puppet.pull([Pull::Say(link, line("first"))]).await;
    assert_eq!(raw.reads().await, Some(wire("first")));
}

pub(super) async fn what_a_legacy_clients_kernel_has_acknowledged_is_reported(by: By) {
    let mut puppet = Puppet::by(by).await;
    let (mut raw, link) = puppet.raw().await;
    puppet
        .pull([Pull::Say(link, line("before it is known"))])
        .await;
    raw.say(&login()).await;
    puppet.hears().await;
    puppet.pull((0..9).map(|n| Pull::Say(link, line(n)))).await;
    let mut received = 0;
    while received < 10 {
        match puppet.hears().await {
            Heard::Input(Input::Received { lines, .. }) => {
                assert!(lines > received, "only news is reported");
                received = lines;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(received, 10);
}

#[tokio::test]
async fn what_a_client_has_not_taken_is_not_reported_as_received() {
    let mut puppet = Puppet::new().await;
    // A client whose kernel takes little: our own takes the rest, which is not the same.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    let address = puppet.address.as_str().parse().unwrap();
    let mut raw = Raw::of(soon(socket.connect(address)).await.unwrap());
    let link = puppet.hears_up().await;
    raw.say(&login()).await;
    puppet.hears().await;

    let text = "z".repeat(1 << 10);
    let sent = 256;
    puppet
        .pull((0..sent).map(|_| Pull::Say(link, line(&text))))
        .await;
    let early = timeout(20 * PACE.sample, puppet.hears()).await;
    assert!(early.is_err(), "the client has not read: {early:?}");

    for _ in 0..sent {
        assert_eq!(raw.reads().await, Some(wire(&text)));
    }
    let mut received = 0;
    while received < sent {
        match puppet.hears().await {
            Heard::Input(Input::Received { lines, .. }) => received = lines,
            other => panic!("{other:?}"),
        }
    }
}
