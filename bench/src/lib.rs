//! What the binaries `attacks` and `load` share: the demo server as a child process, requests on plain
//! sockets, and the page of the documentation that both write a part of.

pub mod demo;
pub mod limits_page;
pub mod open_files;
pub mod wire;
