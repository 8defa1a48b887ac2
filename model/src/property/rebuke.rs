//! Property 21, as far as it is about what was decoded: who says what it may not is told why in one line and shown out;
//! that the bytes themselves do no harm is for the fuzzers.

use crate::world::guest::Stage;
use crate::world::view::View;

/// In every state: no heckler is told anything after it was told why.
pub fn holds(view: &View<'_>) -> bool {
    let mut hecklers = view.guests.iter().filter(|(want, _)| want.is_heckler());
    hecklers.all(|(_, heckler)| !heckler.confused)
}

/// Settled: every heckler has been told why, if that is due to it, and is gone.
pub fn settled(view: &View<'_>) -> bool {
    let mut hecklers = view.guests.iter().filter(|(want, _)| want.is_heckler());
    hecklers.all(|(want, heckler)| match heckler.stage {
        Stage::Idle => true,
        Stage::Rebuked => heckler.link.is_none(),
        Stage::Heckling => heckler.link.is_none() && want.untold,
        Stage::Asking | Stage::Holding | Stage::Refused | Stage::Lost | Stage::Unheard => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario;
    use crate::world::World;
    use crate::world::guest::Guest;

    /// Whether a property holds before anyone has said anything, and once the first heckler is in this state.
    fn before_and_after(holds: fn(&View<'_>) -> bool, heckler: Guest) -> (bool, bool) {
        let scenario = scenario::named("hecklers").expect("there is such a scenario");
        let world = World::new((scenario.setup)());
        let mut state = stateright::Model::init_states(&world).remove(0);
        let before = holds(&View::new(&world, &state));
        state.guests[0] = heckler;
        (before, holds(&View::new(&world, &state)))
    }

    #[test]
    fn whoever_hears_more_after_a_refusal_was_not_shown_out() {
        let heckler = Guest {
            stage: Stage::Rebuked,
            confused: true,
            ..Guest::default()
        };
        assert_eq!(before_and_after(super::holds, heckler), (true, false));
    }

    #[test]
    fn a_heckler_that_was_told_nothing_was_not_refused() {
        let heckler = Guest {
            stage: Stage::Heckling,
            ..Guest::default()
        };
        assert_eq!(before_and_after(settled, heckler), (true, false));
    }

    #[test]
    fn a_heckler_that_is_still_connected_was_not_shown_out() {
        let heckler = Guest {
            stage: Stage::Rebuked,
            link: Some(0),
            ..Guest::default()
        };
        assert_eq!(before_and_after(settled, heckler), (true, false));
    }
}
