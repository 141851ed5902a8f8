//! Texts by language.
