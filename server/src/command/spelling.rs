//! The flags of 2018. Their many-letter short options are no longer how flags are spelt, so they are
//! rewritten to their long names before the command line is read.

use std::ffi::OsString;

/// Old spelling and long name.
const OLD: [(&str, &str); 7] = [
    ("-lp", "--port"),
    ("-lh", "--host"),
    ("-rp", "--remote-port"),
    ("-rh", "--remote-host"),
    ("-s", "--secret"),
    ("-a", "--announce-interval"),
    ("-u", "--user"),
];

/// A command line in which every old flag has its long name.
pub fn modern(arguments: impl IntoIterator<Item = OsString>) -> impl Iterator<Item = OsString> {
    arguments.into_iter().map(|argument| {
        let long = OLD.iter().find(|(old, _)| argument == *old);
        long.map_or(argument, |(_, long)| OsString::from(long))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reports_command_lines_are_understood() {
        let old = [
            "regrow", "serve", "-lp", "3781", "-rp", "3780", "-s", "gen1",
        ];
        let new: Vec<_> = modern(old.map(OsString::from)).collect();
        let expected = "regrow serve --port 3781 --remote-port 3780 --secret gen1";
        assert_eq!(
            new,
            expected.split(' ').map(OsString::from).collect::<Vec<_>>()
        );
    }

    #[test]
    fn what_only_looks_like_an_old_flag_is_left_alone() {
        let line = ["regrow", "-lpx", "--s", "lp"].map(OsString::from);
        assert_eq!(modern(line.clone()).collect::<Vec<_>>(), line);
    }
}
