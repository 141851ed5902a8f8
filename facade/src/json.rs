//! Functions that write JSON into a buffer of bytes.

use async_graphql::Value;

use crate::api::Api;

/// Writes a JSON string.
pub fn write_str(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut start = 0;
    // Few texts need escapes, so the loop only searches for bytes that do.
    while let Some(length) = first_special(&bytes[start..]) {
        let at = start + length;
        out.extend_from_slice(&bytes[start..at]);
        write_escaped(bytes[at], out);
        start = at + 1;
    }
    out.extend_from_slice(&bytes[start..]);
    out.push(b'"');
}

/// Position of the first byte that JSON escapes. It examines eight bytes at a time, as one number.
fn first_special(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES * 0x80;
    let (eights, rest) = bytes.as_chunks::<8>();
    for (at, eight) in eights.iter().enumerate() {
        let eight = u64::from_le_bytes(*eight);
        // Sets the high bit of each byte that is below `bound`. The lowest set bit is exact; bits above it may be
        // wrong.
        let below = |eight: u64, bound: u64| eight.wrapping_sub(ONES * bound) & !eight & HIGH;
        let equal = |byte: u8| below(eight ^ (ONES * u64::from(byte)), 1);
        let special = below(eight, 0x20) | equal(b'"') | equal(b'\\');
        if special != 0 {
            return Some(at * 8 + special.trailing_zeros() as usize / 8);
        }
    }
    let special = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
    special.map(|at| eights.len() * 8 + at)
}

fn write_escaped(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
            return out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Writes a whole number.
pub fn write_int(number: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Writes a number in its shortest form, whole values without a fraction; `null` for NaN and infinity.
pub fn write_float(number: f64, out: &mut Vec<u8>) {
    if !number.is_finite() {
        return out.extend_from_slice(b"null");
    }
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(number);
    out.extend_from_slice(text.strip_suffix(".0").unwrap_or(text).as_bytes());
}

/// Writes true or false.
pub fn write_bool(truth: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if truth { b"true" } else { b"false" });
}

/// Writes a value as the API prints it: REST prints enum words in lower case and whole floats without a fraction.
/// [`Value::Binary`] holds JSON and is copied.
pub fn write_value(value: &Value, api: Api, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Boolean(truth) => write_bool(*truth, out),
        Value::String(text) => write_str(text, out),
        Value::Enum(word) if api == Api::GraphQl => write_str(word, out),
        Value::Enum(word) => write_str(&word.to_lowercase(), out),
        Value::Binary(json) => out.extend_from_slice(json),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => write_int(whole, out),
            (None, float) if api.is_rest() => write_float(float.unwrap_or(f64::NAN), out),
            (None, _) => out.extend_from_slice(number.to_string().as_bytes()),
        },
        Value::List(items) => {
            write_joined([b'[', b']'], items, out, |item, out| write_value(item, api, out));
        }
        Value::Object(fields) => write_joined([b'{', b'}'], fields, out, |(key, value), out| {
            write_str(key, out);
            out.push(b':');
            write_value(value, api, out);
        }),
    }
}

/// Writes items between brackets, with a comma between them.
pub(crate) fn write_joined<T>(
    [open, close]: [u8; 2],
    items: impl IntoIterator<Item = T>,
    out: &mut Vec<u8>,
    mut write: impl FnMut(T, &mut Vec<u8>),
) {
    out.push(open);
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(close);
}
