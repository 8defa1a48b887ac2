use super::outcome::Outcome;
pub(super) fn page(_: &Outcome) -> String {
    String::new()
}
