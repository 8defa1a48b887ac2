//! The tree, drawn in text.

use crate::command::cluster::Place;

/// Each tree with its root first, children below their parent; the dead apart.
pub(super) fn picture(places: &[Place]) -> String {
    let mut drawn = String::new();
    let roots = (0..places.len())
        .filter(|server| places[*server].alive && places[*server].parent.is_none());
    for root in roots {
        drawn += &format!("    S{}\n", root + 1);
        branch(places, root, "    ", &mut drawn);
    }
    let dead: Vec<_> = (0..places.len())
        .filter(|server| !places[*server].alive)
        .map(|server| format!("S{}", server + 1))
        .collect();
    if !dead.is_empty() {
        drawn += &format!("    (dead: {})\n", dead.join(", "));
    }
    drawn
}

fn branch(places: &[Place], parent: usize, indent: &str, drawn: &mut String) {
    let is_child = |server: &usize| places[*server].alive && places[*server].parent == Some(parent);
    let children: Vec<_> = (0..places.len()).filter(is_child).collect();
    for (index, child) in children.iter().enumerate() {
        let (twig, below) = if index + 1 == children.len() {
            ("└── ", "    ")
        } else {
            ("├── ", "│   ")
        };
        *drawn += &format!("{indent}{twig}S{}\n", child + 1);
        branch(places, *child, &format!("{indent}{below}"), drawn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_stand_below_their_parents_and_the_dead_apart() {
        let at = |parent| Place {
            alive: true,
            parent,
            process: None,
        };
        let places = [
            at(None),
            at(Some(0)),
            Place::default(),
            at(Some(1)),
            at(Some(0)),
        ];
        let drawn = "    S1\n    ├── S2\n    │   └── S4\n    └── S5\n    (dead: S3)\n";
        assert_eq!(picture(&places), drawn);
    }
}
