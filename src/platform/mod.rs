//! What the server stands on: the operator's settings, the clock, Redis, networks, secrets.

pub mod clock;
pub mod config;
pub mod lang;
pub mod network;
pub mod outage;
pub mod random;
pub mod redis;
pub mod signature;
