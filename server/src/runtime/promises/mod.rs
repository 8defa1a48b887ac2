//! What a runtime promises (`design.md` §4), each promise seen on real sockets with an actor that does what
//! the test says and tells what it hears.

mod carriers;
mod choosing;
mod dials;
mod disks;
mod flow;
mod hostile;
mod looking;
mod puppet;
mod saves;
mod silence;
mod spreading;
mod timing;
mod updown;
mod witnessing;
