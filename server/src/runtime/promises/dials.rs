//! Every `Open` ends in one `Up` or one `Unreachable`.

use regrow_model::message::Address;
use regrow_model::port::{End, Input};
use tokio::net::{TcpListener, TcpSocket};

use super::puppet::{By, Heard, Pull, Puppet, address_of};

pub(super) async fn a_dial_that_is_answered_ends_in_up_at_both_ends(by: By) {
    let (mut here, mut there) = (Puppet::by(by).await, Puppet::by(by).await);
    here.pull([Pull::Open(there.address.clone())]).await;
    match here.hears().await {
        Heard::Input(Input::Up { end, .. }) => assert_eq!(end, End::Dialed(there.address.clone())),
        other => panic!("{other:?}"),
    }
    match there.hears().await {
        Heard::Input(Input::Up { end, .. }) => assert_eq!(end, End::Accepted),
        other => panic!("{other:?}"),
    }
}

pub(super) async fn a_dial_where_nobody_listens_ends_in_unreachable(by: By) {
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = address_of(&unused).by(by.scheme());
    drop(unused);
    let mut puppet = Puppet::by(by).await;
    puppet.pull([Pull::Open(address.clone())]).await;
    let expected = Heard::Input(Input::Unreachable { address });
    assert_eq!(puppet.hears().await, expected);
}

#[tokio::test]
async fn a_dial_that_is_never_answered_ends_in_unreachable_within_its_limit() {
    // A listener whose queue is full doesn't answer, as a host behind a cut doesn't.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let full = socket.listen(1).unwrap();
    let address = address_of(&full);
    let mut waiting = Vec::new();
    while let Ok(Ok(stream)) = tokio::time::timeout(
        std::time::Duration::from_millis(200),
        tokio::net::TcpStream::connect(address.as_str()),
    )
    .await
    {
        waiting.push(stream);
    }
    let mut puppet = Puppet::new().await;
    puppet.pull([Pull::Open(address.clone())]).await;
    let expected = Heard::Input(Input::Unreachable { address });
    assert_eq!(puppet.hears().await, expected);
}

#[tokio::test]
async fn a_host_that_doesnt_exist_is_unreachable() {
    let mut puppet = Puppet::new().await;
    let address = Address::new("no.such.host.invalid", 1).unwrap();
    puppet.pull([Pull::Open(address.clone())]).await;
    let expected = Heard::Input(Input::Unreachable { address });
    assert_eq!(puppet.hears().await, expected);
}
