//! Property 13, one tree: settled, all live servers that can reach each other are in one acyclic tree, parent and child agree
//! on every edge, and all know the same servers.

use crate::node::State;
use crate::world::view::View;

/// Whether each part of the system is one tree.
pub fn holds(view: &View<'_>) -> bool {
    !view.stirring
        && view
            .parts()
            .iter()
            .all(|part| has_one_root(view, part) && knows_the_same(view, part))
        && view.live().all(|(index, server)| {
            let is_whole = |link| !view.deserted.contains(&(index, link));
            server.edges().all(is_whole)
                && has_true_edge(view, server)
                && has_true_children(view, server)
        })
}

fn has_one_root(view: &View<'_>, part: &[usize]) -> bool {
    let states = part.iter().filter_map(|server| view.servers[*server]);
    states.filter(|state| state.tree.parent.is_none()).count() == 1
}

fn knows_the_same(view: &View<'_>, part: &[usize]) -> bool {
    let states = part.iter().filter_map(|server| view.servers[*server]);
    let mut known = states.map(|state| &state.durable.tree.known);
    let first = known.next();
    known.all(|other| Some(other) == first)
}

/// Whether a server's path is its parent and its parent's path, and its parent has it as its child.
fn has_true_edge(view: &View<'_>, child: &State) -> bool {
    let Some(edge) = &child.tree.parent else {
        return true;
    };
    let parent = view
        .live()
        .map(|(_, state)| state)
        .find(|state| *state.id() == edge.path[0]);
    parent.is_some_and(|parent| {
        let agrees = parent
            .tree
            .children
            .get(&child.id().name)
            .is_some_and(|its| its.id == *child.id());
        agrees && edge.path[1..] == *parent.tree.path() && !edge.path.contains(child.id())
    })
}

/// Whether every child that a server believes to have is one.
fn has_true_children(view: &View<'_>, server: &State) -> bool {
    server.tree.children.values().all(|child| {
        let state = view
            .live()
            .map(|(_, state)| state)
            .find(|state| *state.id() == child.id);
        state
            .and_then(|child| child.tree.parent.as_ref())
            .is_some_and(|edge| edge.path[0] == *server.id())
    })
}
