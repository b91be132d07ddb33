//! Tests the program itself, as operators run it.

// These modules are marked as tests, so that clippy lets their helpers unwrap.
#[cfg(test)]
mod apply;
#[cfg(test)]
mod files;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod logs;
