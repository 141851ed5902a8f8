//! Foundations of the server: the operator's settings, the clock, Redis, network addresses, secrets, encrypted texts.

pub mod clock;
pub mod config;
pub mod encryption;
pub mod lang;
pub mod network;
pub mod outage;
pub mod random;
pub mod redis;
pub mod signature;
pub mod special_network;
