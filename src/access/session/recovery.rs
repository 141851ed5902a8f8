//! Recovery codes of a second factor: a list that is encrypted with the shop's key as the original does it. Each
//! code is accepted once (docs/contract/credentials.md#4, docs/contract/credentials.md#12).

use aes::Aes256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::platform::config::Secret;

/// Length of an initialisation vector in bytes.
const IV_BYTES: usize = 16;

/// An encrypted text as it is stored: JSON in Base64.
#[derive(Serialize, Deserialize)]
struct EncryptedValue {
    iv: String,
    value: String,
    mac: String,
    #[serde(default)]
    tag: String,
}

/// Removes a code from the stored list; `None` if it is not in the list.
pub(super) fn remove_code(app_key: &Secret, stored: &str, code: &str) -> Option<String> {
    let key = key(app_key);
    // A value that cannot be decrypted is the plain text of an old version.
    let list = key.as_deref().and_then(|key| decrypt(key, stored)).unwrap_or_else(|| stored.to_owned());
    let is_it = |known: &str| bool::from(known.as_bytes().ct_eq(code.as_bytes()));
    let codes: Vec<&str> = list.split(',').collect();
    let used = codes.iter().map(|known| is_it(known)).fold(false, |found, fits| found | fits);
    let rest = codes.into_iter().filter(|known| !is_it(known)).collect::<Vec<_>>().join(",");
    (used && !code.is_empty()).then(|| match key {
        Some(key) => encrypt(&key, &rest, rand::random()).unwrap_or(rest),
        None => rest,
    })
}

/// The 32 bytes of the shop's key.
fn key(app_key: &Secret) -> Option<Vec<u8>> {
    let written = app_key.expose();
    let bytes = match written.strip_prefix("base64:") {
        Some(code) => STANDARD.decode(code).ok()?,
        None => written.as_bytes().to_vec(),
    };
    (bytes.len() == 32).then_some(bytes)
}

fn decrypt(key: &[u8], stored: &str) -> Option<String> {
    let envelope: EncryptedValue = serde_json::from_slice(&STANDARD.decode(stored).ok()?).ok()?;
    mac(key, &envelope)?.verify_slice(&hex::decode(&envelope.mac).ok()?).ok()?;
    let (iv, value) = (STANDARD.decode(&envelope.iv).ok()?, STANDARD.decode(&envelope.value).ok()?);
    let cipher = cbc::Decryptor::<Aes256>::new_from_slices(key, &iv).ok()?;
    String::from_utf8(cipher.decrypt_padded_vec_mut::<Pkcs7>(&value).ok()?).ok()
}

fn encrypt(key: &[u8], plain: &str, iv: [u8; IV_BYTES]) -> Option<String> {
    let cipher = cbc::Encryptor::<Aes256>::new_from_slices(key, &iv).ok()?;
    let value = STANDARD.encode(cipher.encrypt_padded_vec_mut::<Pkcs7>(plain.as_bytes()));
    let mut envelope =
        EncryptedValue { iv: STANDARD.encode(iv), value, mac: String::new(), tag: String::new() };
    envelope.mac = hex::encode(mac(key, &envelope)?.finalize().into_bytes());
    Some(STANDARD.encode(serde_json::to_string(&envelope).ok()?))
}

fn mac(key: &[u8], envelope: &EncryptedValue) -> Option<Hmac<Sha256>> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).ok()?;
    mac.update(envelope.iv.as_bytes());
    mac.update(envelope.value.as_bytes());
    Some(mac)
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

    #[test]
    fn lists_are_encrypted_as_the_shop_does() {
        let key = key(&Secret::new(APP_KEY)).unwrap();
        assert_eq!(decrypt(&key, STORED).as_deref(), Some(CODES));
        let iv = std::array::from_fn(|at| u8::try_from(at).unwrap());
        assert_eq!(encrypt(&key, CODES, iv).as_deref(), Some(STORED));
        assert_eq!(decrypt(&[0; 32], STORED), None);
    }

    #[test]
    fn a_code_is_good_once() {
        let app_key = Secret::new(APP_KEY);
        let rest = remove_code(&app_key, STORED, "11111111-22222222-33333333").unwrap();
        assert!(remove_code(&app_key, &rest, "11111111-22222222-33333333").is_none());
        let none = remove_code(&app_key, &rest, "aaaaaaaa-bbbbbbbb-cccccccc").unwrap();
        assert_eq!(decrypt(&key(&app_key).unwrap(), &none).as_deref(), Some(""));
        for code in ["", "AAAAAAAA-BBBBBBBB-CCCCCCCC", CODES, "aaaaaaaa"] {
            assert!(remove_code(&app_key, STORED, code).is_none(), "{code}");
            assert!(remove_code(&app_key, &none, code).is_none(), "{code}");
        }
        assert!(remove_code(&Secret::default(), STORED, "aaaaaaaa-bbbbbbbb-cccccccc").is_none());
    }

    #[test]
    fn lists_of_old_versions_are_clear_texts() {
        let rest = remove_code(&Secret::new(APP_KEY), "one,two", "one").unwrap();
        assert_eq!(decrypt(&key(&Secret::new(APP_KEY)).unwrap(), &rest).as_deref(), Some("two"));
        assert_eq!(remove_code(&Secret::default(), "one,two", "two").as_deref(), Some("one"));
    }
}
