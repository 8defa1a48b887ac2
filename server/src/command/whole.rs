//! Files that come to be as a whole or not at all, are still there after a crash of the machine, and that nobody else can
//! read.

use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::store::{above, sync};

/// Writes a file that must not exist yet.
///
/// # Errors
/// When it does exist, or can't be written; then it is as it was.
pub(super) fn create(file: &Path, content: &[u8]) -> io::Result<()> {
    written(file, content)?.persist_noclobber(file)?;
    sync(above(file))
}

/// Writes a file, in the place of one that is there.
///
/// # Errors
/// When it can't be written; then it is as it was.
pub(super) fn replace(file: &Path, content: &[u8]) -> io::Result<()> {
    written(file, content)?.persist(file)?;
    sync(above(file))
}

/// The content on the disk, without its name yet.
fn written(file: &Path, content: &[u8]) -> io::Result<NamedTempFile> {
    let mut unnamed = NamedTempFile::new_in(above(file))?;
    unnamed.write_all(content)?;
    unnamed.as_file().sync_all()?;
    Ok(unnamed)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_made_for_its_owner_alone_and_never_in_the_place_of_another() {
        let directory = tempfile::tempdir().expect("a directory for the test");
        let file = directory.path().join("f");
        create(&file, b"one").expect("it can be written");
        let refused = create(&file, b"two").expect_err("it is there");
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&file).expect("it is there"), b"one");
        replace(&file, b"three").expect("it can be written");
        assert_eq!(fs::read(&file).expect("it is there"), b"three");
        let mode = fs::metadata(&file).expect("it is there").permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
        // Nothing of what was refused is left.
        let files = fs::read_dir(directory.path()).expect("it is there");
        assert_eq!(files.count(), 1);
    }
}
