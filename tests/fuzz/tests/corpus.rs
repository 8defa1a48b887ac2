//! The inputs that are kept: what the fuzzing engine found to reach something new, and what once failed.

use std::fs;
use std::path::Path;

use regrow_fuzz::TARGETS;

#[test]
fn what_was_found_once_holds() {
    for (name, target) in TARGETS {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("corpus")
            .join(name);
        let files = fs::read_dir(&corpus).unwrap_or_else(|e| panic!("{}: {e}", corpus.display()));
        let mut count = 0;
        for file in files {
            let file = file.expect("it can be listed").path();
            eprintln!("{}", file.display());
            target(&fs::read(&file).expect("it can be read"));
            count += 1;
        }
        assert!(count > 0, "{} is empty", corpus.display());
        println!("{name}: {count} inputs");
    }
}
