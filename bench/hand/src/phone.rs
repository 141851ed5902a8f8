//! Formatting of phone numbers.

use phonenumber::country::Id::FR;

/// Calling codes that the library supports.
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

/// An international number, or a French national one: others are not shown.
pub fn is_number(text: &str) -> bool {
    is_plain(text) || library_knows(text)
}

/// Formats `+` and 10 to 15 digits of a known region without the library, which is slow.
fn is_plain(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('+') else { return false };
    let plain = (10..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let known = |code: &str| code.parse().is_ok_and(|code: u16| CALLING_CODES.binary_search(&code).is_ok());
    // A zero at either place may be a prefix, which the library takes off first.
    let code = (1..=3).find(|&length| plain && !digits.starts_with('0') && known(&digits[..length]));
    code.is_some_and(|code| !digits[code..].starts_with('0'))
}

fn library_knows(text: &str) -> bool {
    match phonenumber::parse(Some(FR), text) {
        Ok(number) => text.starts_with('+') || number.is_valid(),
        Err(_) => false,
    }
}
