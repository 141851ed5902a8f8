//! Reads the headers `Accept` and `Accept-Language` (RFC 9110, 12.5) within limits, since it is read before the key is checked.

/// Bytes of a header that are read; the rest is ignored.
const MAX_BYTES: usize = 2048;
/// Media ranges of a header that are read; the rest is ignored.
const MAX_RANGES: usize = 32;

/// A media range or a language that a client accepts.
#[derive(Debug, PartialEq)]
pub struct MediaRange {
    /// In lower case, without parameters: `application/xml`, `text/*`, `fr-ca`.
    pub media: String,
    /// The weight `q`, from 0 to 1; 1 where none is sent.
    pub quality: f32,
}

/// The media ranges or languages of a header, in their order.
pub fn media_ranges(accept: &str) -> impl Iterator<Item = MediaRange> {
    let end = accept.floor_char_boundary(MAX_BYTES);
    accept[..end].split(',').take(MAX_RANGES).map(|range| {
        let mut parameters = range.split(';').map(str::trim);
        let media = parameters.next().unwrap_or_default().to_ascii_lowercase();
        let quality = parameters.find_map(|parameter| weight(parameter.strip_prefix("q=")?));
        MediaRange { media, quality: quality.unwrap_or(1.0) }
    })
}

/// Reads a weight from 0 to 1. Other numbers that Rust parses (`nan`, `inf`) are refused.
fn weight(text: &str) -> Option<f32> {
    text.parse().ok().filter(|weight| (0.0..=1.0).contains(weight))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_with_their_weights() {
        let ranges: Vec<_> = media_ranges("Text/HTML, application/xml;v=1;q=0.9,").collect();
        let range = |media: &str, quality| MediaRange { media: media.to_owned(), quality };
        assert_eq!(ranges, [range("text/html", 1.0), range("application/xml", 0.9), range("", 1.0)]);
    }

    #[test]
    fn a_long_header_is_not_read_to_its_end() {
        assert_eq!(media_ranges(&"a,".repeat(15_000)).count(), MAX_RANGES);
        assert_eq!(media_ranges(&"ä".repeat(15_000)).next().map(|range| range.media.len()), Some(MAX_BYTES));
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn weights_lie_between_nothing_and_everything(header in r"([a-z*]{0,4}(/[a-z*+]{0,4})?(; ?q=(-?[0-9.e]{0,5}|nan|inf|infinity))?,?){0,40}|\PC*") {
            let ranges: Vec<_> = media_ranges(&header).collect();
            prop_assert!(ranges.len() <= MAX_RANGES);
            prop_assert!(ranges.iter().all(|range| (0.0..=1.0).contains(&range.quality)), "{:?}", ranges);
            prop_assert!(ranges.iter().map(|range| range.media.len()).sum::<usize>() <= 2 * MAX_BYTES);
        }

        #[test]
        fn what_is_written_is_read_back(ranges in prop::collection::vec(("[a-z]{1,9}/[a-z+.-]{1,20}", 0..=1000_u16), 0..MAX_RANGES)) {
            let ranges: Vec<_> = ranges.into_iter().map(|(media, q)| MediaRange { media, quality: f32::from(q) / 1000.0 }).collect();
            let header: Vec<_> = ranges.iter().map(|range| format!("{};v=1; q={}", range.media, range.quality)).collect();
            let header = header.join(", ");
            let read: Vec<_> = media_ranges(&header).collect();
            prop_assert!(header.is_empty() || header.len() > MAX_BYTES || read == ranges, "{}", header);
        }
    }
}
