//! Message authentication codes (HMAC-SHA-256) with the shop's key: signed links, tokens for password resets,
//! pseudonyms (docs/contract/credentials.md#5, docs/contract/credentials.md#6).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::platform::config::Secret;
use crate::platform::random;
use crate::{Error, Result};

/// Random characters that a token is made from.
const RANDOM_LETTERS: usize = 40;
/// Hexadecimal digits of a pseudonym.
const PSEUDONYM_DIGITS: usize = 32;

/// A URL with its signature. The key is used as text, `base64:` included, because the shop does so.
///
/// # Errors
/// When the shop has no key, because everybody could then sign.
pub fn sign(key: &Secret, url: &str) -> Result<String> {
    let joint = if url.contains('?') { '&' } else { '?' };
    Ok(format!("{url}{joint}signature={}", hmac(non_empty(key)?.as_bytes(), url)))
}

/// Whether a URL has this signature.
pub fn is_signed(key: &Secret, url: &str, signature: &str) -> bool {
    let made = non_empty(key).map(|key| hmac(key.as_bytes(), url));
    made.is_ok_and(|made| made.as_bytes().ct_eq(signature.as_bytes()).into())
}

/// A new random token: 64 hexadecimal digits.
///
/// # Errors
/// When the shop has no key.
pub fn token(key: &Secret) -> Result<String> {
    Ok(hmac(&bytes(key)?, &random::text(RANDOM_LETTERS)))
}

/// A pseudonym for a text, in hexadecimal digits. Without the key the text cannot be found, not even by trying all
/// possible texts.
pub fn pseudonym(key: &Secret, text: &str) -> String {
    let mut code = hmac(key.expose().as_bytes(), text);
    code.truncate(PSEUDONYM_DIGITS);
    code
}

/// The bytes of the key.
fn bytes(key: &Secret) -> Result<Vec<u8>> {
    let written = non_empty(key)?;
    match written.strip_prefix("base64:") {
        Some(code) => STANDARD.decode(code).map_err(Error::internal),
        None => Ok(written.as_bytes().to_vec()),
    }
}

fn non_empty(key: &Secret) -> Result<&str> {
    if key.is_empty() { Err(Error::internal("APP_KEY is not set")) } else { Ok(key.expose()) }
}

fn hmac(key: &[u8], text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_hmac_sha256_of_the_address() {
        // Known answer: RFC 4231, test case 2.
        let known = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hmac(b"Jefe", "what do ya want for nothing?"), known);
        let signed = sign(&Secret::new("k"), "https://shop.test/a?expires=1").unwrap();
        let expected = hmac(b"k", "https://shop.test/a?expires=1");
        assert_eq!(signed, format!("https://shop.test/a?expires=1&signature={expected}"));
        assert!(is_signed(&Secret::new("k"), "https://shop.test/a?expires=1", &expected));
        assert!(!is_signed(&Secret::new("k"), "https://shop.test/a?expires=2", &expected));
        assert!(!is_signed(&Secret::default(), "https://shop.test/a?expires=1", &hmac(b"", "")));
    }

    #[test]
    fn tokens_differ_and_need_a_key() {
        let key = Secret::new("base64:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
        let (first, second) = (token(&key).unwrap(), token(&key).unwrap());
        assert!(first.len() == 64 && first != second);
        assert!(token(&Secret::default()).is_err() && sign(&Secret::default(), "a").is_err());
    }
}
