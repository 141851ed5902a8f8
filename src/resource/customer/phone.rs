//! How phone numbers are written (docs/contract/application-store.md#4.2).

use facade::record::{CustomRendering, Rendering};
use phonenumber::country::Id::FR;

/// The stored text if it is an international or a French national number, otherwise null.
pub struct Phone;

impl CustomRendering for Phone {
    fn rendering() -> Rendering {
        Rendering {
            json: |cell, api, out| match cell.text() {
                Some(text) if is_number(text) => (Rendering::TEXT.json)(cell, api, out),
                _ => out.extend_from_slice(b"null"),
            },
            ..Rendering::TEXT.or_null()
        }
    }
}

/// All calling codes that the library `phonenumber` knows, ascending.
const CALLING_CODES: [u16; 215] = [
    1, 7, 20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56, 57,
    58, 60, 61, 62, 63, 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98, 211, 212, 213, 216, 218, 220,
    221, 222, 223, 224, 225, 226, 227, 228, 229, 230, 231, 232, 233, 234, 235, 236, 237, 238, 239, 240, 241,
    242, 243, 244, 245, 246, 247, 248, 249, 250, 251, 252, 253, 254, 255, 256, 257, 258, 260, 261, 262, 263,
    264, 265, 266, 267, 268, 269, 290, 291, 297, 298, 299, 350, 351, 352, 353, 354, 355, 356, 357, 358, 359,
    370, 371, 372, 373, 374, 375, 376, 377, 378, 380, 381, 382, 383, 385, 386, 387, 389, 420, 421, 423, 500,
    501, 502, 503, 504, 505, 506, 507, 508, 509, 590, 591, 592, 593, 594, 595, 596, 597, 598, 599, 670, 672,
    673, 674, 675, 676, 677, 678, 679, 680, 681, 682, 683, 685, 686, 687, 688, 689, 690, 691, 692, 800, 808,
    850, 852, 853, 855, 856, 870, 878, 880, 881, 882, 883, 886, 888, 960, 961, 962, 963, 964, 965, 966, 967,
    968, 970, 971, 972, 973, 974, 975, 976, 977, 979, 992, 993, 994, 995, 996, 998,
];

fn is_number(text: &str) -> bool {
    has_known_region(text).unwrap_or_else(|| match phonenumber::parse(Some(FR), text) {
        Ok(number) => text.starts_with('+') || number.is_valid(),
        Err(_) => false,
    })
}

/// True for `+` and 10 to 15 digits with a known calling code; nothing for any other text, which the library decides.
/// Most numbers in lists have this form, and the library reads megabytes of patterns for its answer.
fn has_known_region(text: &str) -> Option<bool> {
    let digits = text.strip_prefix('+')?;
    let plain = (10..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let known = |code: &str| code.parse().is_ok_and(|code: u16| CALLING_CODES.binary_search(&code).is_ok());
    // A zero before or after the calling code may be a prefix, which the library removes first.
    let code = (1..=3).find(|&length| plain && !digits.starts_with('0') && known(&digits[..length]))?;
    (!digits[code..].starts_with('0')).then_some(true)
}

#[cfg(test)]
mod tests {
    use phonenumber::metadata::DATABASE;

    use super::{CALLING_CODES, has_known_region, is_number};

    #[test]
    fn international_and_french_numbers_are_shown() {
        for text in ["+33612345001", "+32 470 12 34 56", "0612345678", "+442079460000"] {
            assert!(is_number(text), "{text}");
        }
        for text in ["", "abc", "0470 12 34 56 7", "+999", "12"] {
            assert!(!is_number(text), "{text}");
        }
    }

    #[test]
    fn calling_codes_are_the_librarys() {
        let known: Vec<u16> = (1..=999).filter(|code| DATABASE.by_code(code).is_some()).collect();
        assert_eq!(CALLING_CODES.as_slice(), known);
    }

    #[test]
    fn plain_international_numbers_are_judged_as_the_library_does() {
        let mut decided = 0;
        for code in 1..=999 {
            for rest in ["61234", "0612345678", "6123456789", "123456789", "223456789", "98765432101"] {
                let text = format!("+{code}{rest}");
                let Some(found) = has_known_region(&text) else { continue };
                decided += 1;
                let parsed = phonenumber::parse(Some(phonenumber::country::Id::FR), &text).is_ok();
                assert_eq!(found, parsed, "{text}");
            }
        }
        assert!(decided > 500, "{decided}");
        assert_eq!(has_known_region("+0331234567"), None);
        assert_eq!(has_known_region("+33 6 12 34 56 78"), None);
    }
}
