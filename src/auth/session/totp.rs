//! One-time codes of an authenticator app (RFC 6238; spec: `credentials.md` 4).

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use subtle::{Choice, ConstantTimeEq};

/// How long a code is shown, in seconds.
const STEP: i64 = 30;
/// Codes have six digits.
const CODES: u32 = 1_000_000;
/// Shortest secret that the original accepts.
const LEAST: usize = 16;

/// Whether a code is that of now, of the step before or of the step after. No code fits a secret
/// that is malformed.
pub(super) fn fits(secret: &str, code: &str, now: DateTime<Utc>) -> bool {
    let Some(key) = decode(secret) else { return false };
    let step = now.timestamp().div_euclid(STEP);
    let near = [step - 1, step, step + 1].into_iter().filter_map(|step| at(&key, step));
    near.fold(Choice::from(0), |found, expected| found | expected.as_bytes().ct_eq(code.as_bytes())).into()
}

fn at(key: &[u8], step: i64) -> Option<String> {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).ok()?;
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest.last()? & 0xf);
    let word = u32::from_be_bytes(digest.get(offset..offset + 4)?.try_into().ok()?);
    Some(format!("{:06}", (word & 0x7fff_ffff) % CODES))
}

/// Base32 without padding (RFC 4648), in either case.
fn decode(secret: &str) -> Option<Vec<u8>> {
    if secret.len() < LEAST || !secret.len().is_power_of_two() {
        return None;
    }
    let (mut bytes, mut buffer, mut bits) = (Vec::new(), 0u32, 0);
    for letter in secret.bytes() {
        let value = match letter.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter - b'A',
            digit @ b'2'..=b'7' => digit - b'2' + 26,
            _ => return None,
        };
        buffer = buffer << 5 | u32::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((buffer >> bits & 0xff) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `12345678901234567890`, the secret of RFC 6238, appendix B.
    const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    fn moment(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert!(fits(SECRET, code, moment(seconds)), "{seconds}");
            assert!(fits(&SECRET.to_lowercase(), code, moment(seconds)), "{seconds}");
        }
    }

    #[test]
    fn one_step_before_and_after_count() {
        for (seconds, right) in [(29, true), (89, true), (59, true), (90, false), (120, false)] {
            assert_eq!(fits(SECRET, "287082", moment(seconds)), right, "{seconds}");
        }
    }

    #[test]
    fn malformed_secrets_fit_nothing() {
        for secret in ["", "GEZDGNBV", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1", "GEZDGNBVGY3TQOJQGEZDGNB"] {
            assert!(!fits(secret, "287082", moment(59)), "{secret}");
        }
    }

    proptest! {
        #[test]
        fn any_secret_fits_its_own_codes_only(secret in "[A-Za-z2-7]{16}|[A-Z2-7]{32}|\\PC{0,40}", code in r"[0-9]{6}|\PC*", seconds in 0..i64::from(u32::MAX)) {
            let now = moment(seconds);
            fits(&secret, &code, now);
            if let Some(key) = decode(&secret) {
                let own = at(&key, seconds.div_euclid(STEP)).unwrap();
                prop_assert!(fits(&secret, &own, now) && !fits(&secret, &own[1..], now));
            }
        }
    }
}
