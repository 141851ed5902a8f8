//! Encrypted texts of the shop, as Laravel writes them: AES-256-CBC with a random vector, authenticated by HMAC-SHA-256, both
//! with the shop's key (docs/contract/credentials.md#12). A column that Laravel itself encrypts holds the text in PHP's
//! serialised form, `s:4:"root";`.

use aes::Aes256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::platform::config::Secret;

/// Length of an initialisation vector in bytes.
const IV_BYTES: usize = 16;
/// Length of a key in bytes.
const KEY_BYTES: usize = 32;

/// An encrypted text as it is stored: JSON in Base64.
#[derive(Serialize, Deserialize)]
struct Envelope {
    iv: String,
    value: String,
    mac: String,
    #[serde(default)]
    tag: String,
}

/// Encrypts a text; `None` where the shop has no key.
pub fn seal(key: &Secret, plain: &str) -> Option<String> {
    seal_with(&bytes(key)?, plain, rand::random())
}

/// Decrypts a text with the first of these keys that it was encrypted with; `None` where it was with none of them.
pub fn open<'k>(keys: impl IntoIterator<Item = &'k Secret>, stored: &str) -> Option<String> {
    let envelope = Envelope::read(stored)?;
    keys.into_iter().find_map(|key| envelope.open(&bytes(key)?))
}

/// Encrypts the text of a column that Laravel itself encrypts.
pub fn seal_column(key: &Secret, plain: &str) -> Option<String> {
    seal(key, &format!("s:{}:\"{plain}\";", plain.len()))
}

/// Decrypts the text of a column that Laravel itself encrypts.
pub fn open_column<'k>(keys: impl IntoIterator<Item = &'k Secret>, stored: &str) -> Option<String> {
    open(keys, stored).map(|plain| unserialised(&plain).map(str::to_owned).unwrap_or(plain))
}

/// Whether a text has the form of an encrypted one.
pub fn is_sealed(stored: &str) -> bool {
    Envelope::read(stored).is_some()
}

/// The text in PHP's serialised form of one.
fn unserialised(plain: &str) -> Option<&str> {
    let (length, rest) = plain.strip_prefix("s:")?.split_once(":\"")?;
    let text = rest.strip_suffix("\";")?;
    (length.parse() == Ok(text.len())).then_some(text)
}

/// The bytes of a key.
fn bytes(key: &Secret) -> Option<Vec<u8>> {
    let written = key.expose();
    let bytes = match written.strip_prefix("base64:") {
        Some(code) => STANDARD.decode(code).ok()?,
        None => written.as_bytes().to_vec(),
    };
    (bytes.len() == KEY_BYTES).then_some(bytes)
}

fn seal_with(key: &[u8], plain: &str, iv: [u8; IV_BYTES]) -> Option<String> {
    let cipher = cbc::Encryptor::<Aes256>::new_from_slices(key, &iv).ok()?;
    let value = STANDARD.encode(cipher.encrypt_padded_vec::<Pkcs7>(plain.as_bytes()));
    let mut envelope = Envelope { iv: STANDARD.encode(iv), value, mac: String::new(), tag: String::new() };
    envelope.mac = hex::encode(envelope.seal(key)?.finalize().into_bytes());
    Some(STANDARD.encode(serde_json::to_string(&envelope).ok()?))
}

impl Envelope {
    fn read(stored: &str) -> Option<Self> {
        serde_json::from_slice(&STANDARD.decode(stored).ok()?).ok()
    }

    /// Decrypts the text, if the key has sealed it: the code is compared in constant time, before anything else.
    fn open(&self, key: &[u8]) -> Option<String> {
        self.seal(key)?.verify_slice(&hex::decode(&self.mac).ok()?).ok()?;
        let (iv, value) = (STANDARD.decode(&self.iv).ok()?, STANDARD.decode(&self.value).ok()?);
        let cipher = cbc::Decryptor::<Aes256>::new_from_slices(key, &iv).ok()?;
        String::from_utf8(cipher.decrypt_padded_vec::<Pkcs7>(&value).ok()?).ok()
    }

    fn seal(&self, key: &[u8]) -> Option<Hmac<Sha256>> {
        let mut seal = <Hmac<Sha256> as KeyInit>::new_from_slice(key).ok()?;
        seal.update(self.iv.as_bytes());
        seal.update(self.value.as_bytes());
        Some(seal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP_KEY: &str = "base64:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    const CODES: &str = "aaaaaaaa-bbbbbbbb-cccccccc,11111111-22222222-33333333";
    /// [`CODES`] under [`APP_KEY`], made with OpenSSL.
    const STORED: &str = "eyJpdiI6IkFBRUNBd1FGQmdjSUNRb0xEQTBPRHc9PSIsInZhbHVlIjoiNUZ4eWJwZFJ5QW9zcTFpeldabzVOSk5PT\
        C9SRy9ienQ5UG03NzZ0Yk1ETk4vVG1ZVWZWbkVWYmg1c0VGaEI3L0QrTTBmaEllRGdSclo1bjdPVGR1Umc9PSIsIm1hYyI6IjYxYTRmZ\
        TJjN2U1MmU4OTVlYzliMWNkYWQ0MjU1YzhlNTE5MWNmM2RiOTg3NTZhMzI3OTcyMWQyZjNiMWYyZDMiLCJ0YWciOiIifQ==";
    /// The password of server 1 of the recorded shop, as the original has stored it.
    const RECORDED: &str = "eyJpdiI6ImZZejZtcjd2WEVmV2h1V25vZzZGc0E9PSIsInZhbHVlIjoiaTJUaUI5M1JMdlZhQjNsVmhaejRPUT09IiwibWFjI\
        joiNDMxNmQyMmMxNWUyNGNlOTcyMzBmNGU4OTE2ZjY3Y2MyYzEwODcwYTAwMzVkOTgwOWFmMjZmZTEyNTljZTIxNyIsInRhZyI6IiJ9";

    fn key() -> Secret {
        Secret::new(APP_KEY)
    }

    #[test]
    fn texts_are_encrypted_as_the_shop_does() {
        assert_eq!(open([&key()], STORED).as_deref(), Some(CODES));
        let iv = std::array::from_fn(|at| u8::try_from(at).unwrap());
        assert_eq!(seal_with(&bytes(&key()).unwrap(), CODES, iv).as_deref(), Some(STORED));
        assert_ne!(seal(&key(), CODES), seal(&key(), CODES), "each has a vector of its own");
        assert!(is_sealed(STORED) && !is_sealed("secret") && !is_sealed(""));
        assert_eq!(seal(&Secret::default(), CODES), None);
    }

    #[test]
    fn columns_hold_what_php_serialises() {
        assert_eq!(open([&key()], RECORDED).as_deref(), Some("s:7:\"secret1\";"));
        assert_eq!(open_column([&key()], RECORDED).as_deref(), Some("secret1"));
        for plain in ["", "root", "é\";s:1:\"", "line\nline"] {
            let stored = seal_column(&key(), plain).unwrap();
            assert_eq!(open_column([&key()], &stored).as_deref(), Some(plain));
        }
        for bare in ["secret", "s:9:\"short\";", "s:x:\"a\";", "s:1:\"a\""] {
            let stored = seal(&key(), bare).unwrap();
            assert_eq!(open_column([&key()], &stored).as_deref(), Some(bare), "as it is");
        }
    }

    #[test]
    fn another_key_or_a_changed_text_opens_nothing() {
        let other = Secret::new("0123456789abcdef0123456789abcdeX");
        assert_eq!(open([&other], STORED), None);
        assert_eq!(open([&other, &key()], STORED).as_deref(), Some(CODES), "a key that the shop had before");
        assert_eq!(open([], STORED), None);
        assert_eq!(open([&Secret::default()], STORED), None);
        let envelope = String::from_utf8(STANDARD.decode(STORED).unwrap()).unwrap();
        for (part, changed) in [("AAEC", "AAED"), ("5Fxy", "5Fxz"), ("61a4", "61a5"), ("61a4", "zz")] {
            assert!(envelope.contains(part));
            let stored = STANDARD.encode(envelope.replacen(part, changed, 1));
            assert_eq!(open([&key()], &stored), None, "{changed}");
        }
        for stored in ["", "AAAA", "e30=", "not base64", "eyJpdiI6MX0="] {
            assert_eq!(open([&key()], stored), None, "{stored}");
        }
    }
}
