//! The promises that every carrier of connections keeps.

use super::puppet::By;
use super::{dials, flow, silence, updown};

/// Each of these promises over each of these carriers.
macro_rules! over {
    ($($carrier:ident: $by:expr),+; $promises:tt) => {
        $(over!(@one $carrier $by, $promises);)+
    };
    (@one $carrier:ident $by:expr, [$($part:ident::$promise:ident),* $(,)?]) => {
        mod $carrier {
            use super::*;
            $(
                #[tokio::test]
                async fn $promise() {
                    $part::$promise($by).await;
                }
            )*
        }
    };
}

over!(
    tcp: By::Tcp, tls: By::Tls;
    [
        dials::a_dial_that_is_answered_ends_in_up_at_both_ends,
        dials::a_dial_where_nobody_listens_ends_in_unreachable,
        flow::lines_arrive_in_the_order_in_which_they_were_sent_and_on_their_own_link,
        flow::a_slow_reader_is_cut_at_its_bound_and_delays_nobody,
        flow::a_line_beyond_the_limit_is_malformed_and_nothing_follows_it,
        silence::a_server_that_has_linked_and_falls_silent_is_down,
        silence::two_servers_with_nothing_to_say_stay_linked,
        silence::a_client_may_be_silent_and_gets_no_heartbeat,
        silence::what_a_legacy_clients_kernel_has_acknowledged_is_reported,
        updown::a_link_that_its_far_end_leaves_goes_down_once,
        updown::after_its_own_close_an_actor_never_hears_of_the_link_again,
        updown::what_was_sent_before_a_close_is_delivered_whatever_the_far_end_still_says,
        updown::a_far_end_that_only_stops_sending_still_gets_its_answer,
    ]
);

// Clients alone come this way, and a WebSocket that one side closes is closed on both.
over!(
    websocket: By::WebSocket;
    [
        flow::a_slow_reader_is_cut_at_its_bound_and_delays_nobody,
        silence::a_client_may_be_silent_and_gets_no_heartbeat,
        silence::what_a_legacy_clients_kernel_has_acknowledged_is_reported,
        updown::a_link_that_its_far_end_leaves_goes_down_once,
        updown::what_was_sent_before_a_close_is_delivered_whatever_the_far_end_still_says,
    ]
);

// Servers alone come this way.
over!(
    quic: By::Quic;
    [
        dials::a_dial_that_is_answered_ends_in_up_at_both_ends,
        dials::a_dial_where_nobody_listens_ends_in_unreachable,
        flow::lines_arrive_in_the_order_in_which_they_were_sent_and_on_their_own_link,
        flow::a_slow_reader_is_cut_at_its_bound_and_delays_nobody,
        flow::a_line_beyond_the_limit_is_malformed_and_nothing_follows_it,
        silence::a_server_that_has_linked_and_falls_silent_is_down,
        silence::two_servers_with_nothing_to_say_stay_linked,
        updown::a_link_that_its_far_end_leaves_goes_down_once,
        updown::after_its_own_close_an_actor_never_hears_of_the_link_again,
        updown::what_was_sent_before_a_close_is_delivered_whatever_the_far_end_still_says,
        updown::a_far_end_that_only_stops_sending_still_gets_its_answer,
    ]
);
