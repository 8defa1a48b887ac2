//! What a decoder makes of what real clients send.

use super::*;

#[test]
fn a_line_is_small_for_it_waits_in_queues_by_the_million() {
    assert!(size_of::<Line>() <= 56, "{} bytes", size_of::<Line>());
}
