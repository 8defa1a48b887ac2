//! Regrow: the protocol, written once.
