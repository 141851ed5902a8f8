//! Random texts.

use rand::RngExt;
use rand::distr::Alphanumeric;

/// Random ASCII letters and digits from a cryptographic generator.
pub fn text(length: usize) -> String {
    rand::rng().sample_iter(Alphanumeric).take(length).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_texts_are_letters_and_digits() {
        let some = text(40);
        assert!(some.len() == 40 && some.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(some, text(40));
    }
}
