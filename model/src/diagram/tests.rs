//! Diagrams of made-up rows, and of a small world.

use super::*;
use crate::narrate::tests::{assert_snapshot, first_steps};
use crate::scenario;
use crate::verdict::Case;

fn row(mark: Mark, cut: bool) -> Row {
    Row {
        mark,
        says: "said & done".to_owned(),
        alive: vec![true, true, true],
        cut,
    }
}

fn all_marks() -> Diagram {
    let heard = |from, to, label: &str, said| Mark::Heard {
        from,
        to,
        label: label.to_owned(),
        said,
    };
    let cut = Mark::Cut {
        lanes: vec![0, 2],
        label: "cut s1–s3".to_owned(),
    };
    let mut rows = vec![
        row(alone(0, "Retry".to_owned()), false),
        row(Mark::Reached { from: 0, to: 1 }, false),
        row(heard(0, 1, "AUTHENTICATE", Some(1)), false),
        row(cut, true),
        row(heard(2, 0, "AUTHENTICATION_FAIL of a server", None), true),
        row(Mark::Lost { at: 2, other: 0 }, true),
        row(stopped(1, "crash"), true),
        row(Mark::Healed, false),
        row(Mark::Started { at: 1 }, false),
    ];
    rows[6].alive[1] = false;
    rows[7].alive[1] = false;
    Diagram {
        lanes: ["s1", "s2", "c1"].map(str::to_owned).to_vec(),
        rows,
    }
}

#[test]
fn a_terminal_shows_every_kind_of_step() {
    assert_snapshot("diagram_text", &all_marks().text());
}

#[test]
fn a_page_shows_every_kind_of_step() {
    assert_snapshot("diagram_svg", &all_marks().svg().replace('>', ">\n"));
}

#[test]
fn a_line_is_drawn_from_where_it_was_said() {
    let world = Case::sound(scenario::named("pair-cold").unwrap()).world();
    let walk = first_steps(&world, 20);
    let diagram = Diagram::of(&world, &walk);
    let mut heard = 0;
    for (index, row) in diagram.rows.iter().enumerate() {
        if let Mark::Heard { said, .. } = &row.mark {
            heard += 1;
            // Nothing was on its way when this world began.
            assert!(said.is_some_and(|said| said < index), "{index}: {row:?}");
        }
    }
    assert!(heard > 0);
}
