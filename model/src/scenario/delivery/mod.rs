//! Delivery: what is said is heard, whatever breaks meanwhile. Each world is as small as lets some rules be seen to matter.

pub mod absence;
pub mod bounds;
pub mod catching_up;
pub mod changing;
pub mod crash;
pub mod erring;
pub mod fickle;
pub mod mailbox;
pub mod newcomers;
pub mod speaking;

use super::Scenario;

/// Every scenario of delivery, room by room.
pub fn all() -> impl Iterator<Item = &'static Scenario> {
    speaking::SCENARIOS
        .iter()
        .chain(crash::SCENARIOS)
        .chain(mailbox::SCENARIOS)
        .chain(changing::SCENARIOS)
        .chain(absence::SCENARIOS)
        .chain(catching_up::SCENARIOS)
        .chain(newcomers::SCENARIOS)
        .chain(fickle::SCENARIOS)
        .chain(bounds::SCENARIOS)
        .chain(erring::SCENARIOS)
}
