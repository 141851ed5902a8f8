//! Input rules.
