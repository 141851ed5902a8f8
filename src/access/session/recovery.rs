//! Recovery codes of a second factor: a list that is encrypted with the shop's key as the original does it. Each
//! code is accepted once (docs/contract/credentials.md#4, docs/contract/credentials.md#12).

use subtle::ConstantTimeEq;

use crate::platform::config::Secret;
use crate::platform::encryption::{open, seal};

/// Removes a code from the stored list; `None` if it is not in the list.
pub(super) fn remove_code(app_key: &Secret, stored: &str, code: &str) -> Option<String> {
    // A value that cannot be decrypted is the plain text of an old version.
    let list = open([app_key], stored).unwrap_or_else(|| stored.to_owned());
    let is_it = |known: &str| bool::from(known.as_bytes().ct_eq(code.as_bytes()));
    let codes: Vec<&str> = list.split(',').collect();
    let used = codes.iter().map(|known| is_it(known)).fold(false, |found, fits| found | fits);
    let rest = codes.into_iter().filter(|known| !is_it(known)).collect::<Vec<_>>().join(",");
    (used && !code.is_empty()).then(|| seal(app_key, &rest).unwrap_or(rest))
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
    fn a_code_is_good_once() {
        let app_key = Secret::new(APP_KEY);
        let rest = remove_code(&app_key, STORED, "11111111-22222222-33333333").unwrap();
        assert!(remove_code(&app_key, &rest, "11111111-22222222-33333333").is_none());
        let none = remove_code(&app_key, &rest, "aaaaaaaa-bbbbbbbb-cccccccc").unwrap();
        assert_eq!(open([&app_key], &none).as_deref(), Some(""));
        for code in ["", "AAAAAAAA-BBBBBBBB-CCCCCCCC", CODES, "aaaaaaaa"] {
            assert!(remove_code(&app_key, STORED, code).is_none(), "{code}");
            assert!(remove_code(&app_key, &none, code).is_none(), "{code}");
        }
        assert!(remove_code(&Secret::default(), STORED, "aaaaaaaa-bbbbbbbb-cccccccc").is_none());
    }

    #[test]
    fn lists_of_old_versions_are_clear_texts() {
        let rest = remove_code(&Secret::new(APP_KEY), "one,two", "one").unwrap();
        assert_eq!(open([&Secret::new(APP_KEY)], &rest).as_deref(), Some("two"));
        assert_eq!(remove_code(&Secret::default(), "one,two", "two").as_deref(), Some("one"));
    }
}
