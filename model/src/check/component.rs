//! Bottom strongly connected components: where a run of the protocol ends that never converges.

use super::graph::Edges;

/// A set of states that the protocol can't leave, each of which it can reach from each other one.
pub(super) struct Component {
    /// The steps to its nearest state: the states that are left, and the index of the edge in their row.
    pub(super) steps: Vec<(u32, usize)>,
    /// That nearest state.
    pub(super) entry: u32,
    /// How many states it has.
    pub(super) states: usize,
}

/// Not yet numbered.
const NEW: u32 = u32::MAX;

/// What the protocol can reach from one state, numbered breadth first.
struct Reach<'a> {
    edges: &'a Edges,
    /// State ids by number.
    ids: Vec<u32>,
    /// Numbers by state id.
    numbers: Vec<u32>,
    /// By number: where it was first met from, and over which edge of that row.
    origins: Vec<(u32, usize)>,
}

impl<'a> Reach<'a> {
    fn of(edges: &'a Edges, start: u32) -> Self {
        let mut reach = Self {
            edges,
            ids: vec![start],
            numbers: vec![NEW; edges.rows()],
            origins: vec![(NEW, 0)],
        };
        reach.numbers[start as usize] = 0;
        let mut from = 0;
        while let Some(&id) = reach.ids.get(from) {
            for (index, edge) in edges.row(id).iter().enumerate() {
                let target = edge.target() as usize;
                if edge.is_protocol() && reach.numbers[target] == NEW {
                    reach.numbers[target] = reach.ids.len() as u32;
                    reach.ids.push(edge.target());
                    reach.origins.push((from as u32, index));
                }
            }
            from += 1;
        }
        reach
    }

    /// The numbers that one step of the protocol leads to, after those at `skip` places of the row.
    fn next(&self, number: u32, skip: usize) -> impl Iterator<Item = (usize, u32)> {
        let row = self.edges.row(self.ids[number as usize]);
        row.iter()
            .enumerate()
            .skip(skip)
            .filter(|(_, edge)| edge.is_protocol())
            .map(|(place, edge)| (place, self.numbers[edge.target() as usize]))
    }

    fn steps_to(&self, number: u32) -> Vec<(u32, usize)> {
        let mut steps = Vec::new();
        let mut number = number;
        loop {
            let (from, edge) = self.origins[number as usize];
            if from == NEW {
                steps.reverse();
                return steps;
            }
            steps.push((self.ids[from as usize], edge));
            number = from;
        }
    }
}

/// The nearest bottom component that the protocol can reach from a state. All that is reached must have rows.
pub(super) fn nearest_bottom(edges: &Edges, start: u32) -> Component {
    let reach = Reach::of(edges, start);
    let bottoms = bottoms(&reach);
    let entry = (0..)
        .zip(&bottoms)
        .find_map(|(number, &bottom)| (bottom != NEW).then_some((number, bottom)));
    let (entry, bottom) = entry.expect("a finite graph has a bottom component below each state");
    Component {
        steps: reach.steps_to(entry),
        entry: reach.ids[entry as usize],
        states: bottoms.iter().filter(|&&other| other == bottom).count(),
    }
}

/// For each number the name of the bottom component that it is in, or `NEW` if it is in none (Tarjan's algorithm, with
/// a stack of its own since paths are long).
fn bottoms(reach: &Reach<'_>) -> Vec<u32> {
    let count = reach.ids.len();
    let mut order = vec![NEW; count];
    let mut low = vec![NEW; count];
    // `NEW` until its component is complete, then the number that completed it.
    let mut component = vec![NEW; count];
    let mut bottom = vec![true; count];
    let mut open = Vec::new();
    // Numbers being visited, with the place in their row to go on from.
    let mut visits = vec![(0_u32, 0_usize)];
    let mut met = 0;
    while let Some(&mut (number, ref mut place)) = visits.last_mut() {
        let at = number as usize;
        if order[at] == NEW {
            order[at] = met;
            low[at] = met;
            met += 1;
            open.push(number);
        }
        if let Some((here, next)) = reach.next(number, *place).next() {
            let to = next as usize;
            if order[to] == NEW {
                // Comes back to the same place, when the next one is complete or open.
                *place = here;
                visits.push((next, 0));
                continue;
            }
            *place = here + 1;
            if component[to] == NEW {
                low[at] = low[at].min(low[to]);
            } else {
                bottom[at] = false;
            }
            continue;
        }
        visits.pop();
        if low[at] == order[at] {
            let first = open.iter().rposition(|&other| other == number);
            let members = open.split_off(first.expect("a number being visited is open"));
            let is_bottom = members.iter().all(|&member| bottom[member as usize]);
            for member in members {
                component[member as usize] = number;
                bottom[member as usize] = is_bottom;
            }
        }
    }
    for (name, is_bottom) in component.iter_mut().zip(bottom) {
        if !is_bottom {
            *name = NEW;
        }
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::graph::Edge;

    fn edges(rows: &[&[u32]]) -> Edges {
        let mut edges = Edges::default();
        for row in rows {
            edges.push_row(row.iter().map(|&target| Edge::new(target, true)));
        }
        edges
    }

    #[test]
    fn a_dead_end_is_a_component_of_one() {
        let component = nearest_bottom(&edges(&[&[1], &[2], &[]]), 0);
        assert_eq!((component.entry, component.states), (2, 1));
        assert_eq!(component.steps, [(0, 0), (1, 0)]);
    }

    #[test]
    fn a_cycle_that_can_be_left_is_not_a_bottom() {
        // 0 ⇄ 1 → 2 ⇄ 3
        let component = nearest_bottom(&edges(&[&[1], &[0, 2], &[3], &[2]]), 0);
        assert_eq!((component.entry, component.states), (2, 2));
        assert_eq!(component.steps, [(0, 0), (1, 1)]);
    }

    #[test]
    fn of_two_bottoms_the_nearer_one_is_taken() {
        // 0 → 1 → 2 ⟲ and 0 → 3 ⇄ 4
        let component = nearest_bottom(&edges(&[&[1, 3], &[2], &[2], &[4], &[3]]), 0);
        assert_eq!((component.entry, component.states), (3, 2));
        assert_eq!(component.steps, [(0, 1)]);
    }

    #[test]
    fn cycles_that_share_states_are_one_component() {
        // 0 → 1 → 2 → 1, 2 → 3 → 0
        let component = nearest_bottom(&edges(&[&[1], &[2], &[1, 3], &[0]]), 0);
        assert_eq!((component.entry, component.states), (0, 4));
        assert!(component.steps.is_empty());
    }
}
