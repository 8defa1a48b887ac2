//! What is kept of an incident is all that its servers need to do the same again.

use super::*;
use crate::counterexample::{Counterexample, Ending, Stale};
use crate::message::client::{Resume, Secret};
use crate::message::{Line, Request};
use crate::narrate::Detail;
use crate::narrate::tests::{assert_snapshot, first_steps};
use crate::node::Timer;
use crate::port::{End, Link};
use crate::scenario;
use crate::verdict::Case;
use crate::world::Setup;

fn again<T: Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    let text = serde_json::to_string(value).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn whatever_a_server_remembers_is_read_as_it_was_kept() {
    for scenario in scenario::all() {
        let world = Case::sound(scenario).world();
        for (_, state) in first_steps(&world, 40) {
            let processes = state.servers.iter().filter_map(|it| it.process.as_ref());
            for process in processes {
                assert_eq!(again(&*process.state), *process.state, "{}", scenario.name);
            }
        }
    }
}

fn line(request: Request) -> Happened {
    let (link, line) = (Link(7), Line::from(request));
    Happened::Input(Box::new(Input::Line { link, line }))
}

/// A server starts, somebody logs in, and it is stopped.
fn incident() -> Incident {
    let config = Config {
        secret: Secret::never(),
        ..Setup::tree(&[0]).servers.remove(0)
    };
    let boot = Boot {
        now: crate::message::Stamp(1),
        nonce: 1,
    };
    let up = Input::Up {
        link: Link(7),
        end: End::Accepted,
    };
    let started = Happened::Started {
        config: Box::new(config.clone()),
        boot,
        disk: None,
    };
    let all = [
        started,
        Happened::Saved { outdated: 0 },
        Happened::Input(Box::new(up)),
        line(Request::Login {
            username: "anonymous".into(),
            secret: None,
            resume: Some(Resume {
                client: "c".into(),
                cursor: None,
                said: 0,
            }),
        }),
        line(Request::Logout),
        Happened::Timer(Timer::Floor),
        Happened::Stopped,
    ];
    let event = |happened| Event {
        server: 0,
        happened,
        far: None,
    };
    Incident {
        secret: "system".into(),
        servers: vec![Machine {
            name: config.name,
            process: None,
        }],
        events: all.into_iter().map(event).collect(),
    }
}

#[test]
fn an_incident_is_kept_like_a_counterexample_and_told_like_one() {
    let kept = Counterexample::of_incident(incident(), true);
    assert_eq!(kept.ending, Ending::Held);
    assert_eq!(again(&kept), kept);
    let played = again(&kept).relive().unwrap().unwrap();
    assert_snapshot("incident", &kept.account(&played, Detail::Changes));
}

#[test]
fn an_incident_that_would_go_another_way_now_is_refused() {
    let mut kept = Counterexample::of_incident(incident(), true);
    kept.steps[3].push_str(", it says LOGIN_FAILED to nobody");
    assert!(matches!(kept.relive(), Err(Stale::Step { step: 4, .. })));
}

#[test]
fn an_incident_is_in_no_world_of_the_checkers() {
    let kept = Counterexample::of_incident(incident(), true);
    assert!(matches!(kept.replay(), Err(Stale::Recorded)));
}
