//! What clients send over HTTP: which answers they accept, bodies and JSON within bounds.

pub mod accept;
pub mod body;
pub mod json;
