//! Texts that the shop encrypts before it stores them.

use sea_orm::{ColIdx, QueryResult, TryGetError, TryGetable};

use super::cell::{cell, column_value};

/// A text as it is stored: encrypted with the shop's key, as Laravel does it. What has no key can copy and compare it, and
/// its debug output tells nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Encrypted(pub String);

impl std::fmt::Debug for Encrypted {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Encrypted(…)")
    }
}

column_value!(Encrypted as String(Text), into: |text: Encrypted| text.0, from: Encrypted);

impl TryGetable for Encrypted {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        cell(row, index).map(Self)
    }
}
