//! The order of texts. It is the same on all databases and close to the original's MySQL collation: punctuation before
//! digits, digits before letters, case and accents ignored.

use std::cmp::Ordering;

use sea_orm::DbBackend;
use sea_orm::sea_query::{CaseStatement, ColumnType, Expr, ExprTrait, SimpleExpr};

use crate::column::Column;

/// Name of the collation in SQLite. The host registers [`compare`] under this name on every connection.
pub const SQLITE: &str = "shop";
/// Punctuation and digits in their order.
const BEFORE_LETTERS: &str = "_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789";
/// Letters with accents, and the plain letters that they sort as.
const FOLDED: [(&str, &str); 13] = [
    ("àáâãäåāăą", "a"),
    ("æ", "ae"),
    ("çćčĉ", "c"),
    ("ďđð", "d"),
    ("èéêëēėęě", "e"),
    ("ìíîïīįı", "i"),
    ("ñńň", "n"),
    ("òóôõöøōő", "o"),
    ("œ", "oe"),
    ("ßśšşș", "s"),
    ("ùúûüūůű", "u"),
    ("ýÿ", "y"),
    ("źżž", "z"),
];

/// The plain letters that a letter with an accent sorts as; `None` for all others.
pub fn folded(letter: char) -> Option<&'static str> {
    FOLDED.iter().find(|(letters, _)| letters.contains(letter)).map(|(_, plain)| *plain)
}

/// The SQL expression that a list is ordered by for a column: texts by the collation, words of a closed list by their
/// position in `words`.
pub fn sort_key(column: &Column, words: &[&str], backend: DbBackend) -> SimpleExpr {
    // MariaDB orders the words of an enum by itself.
    if !words.is_empty() && backend != DbBackend::MySql {
        return word_positions(column, words);
    }
    let plain = column.expr();
    match &column.ty {
        ColumnType::String(_) | ColumnType::Text => collated(plain, backend),
        _ => plain,
    }
}

/// SQL for the position of the column's word in `words`.
pub fn word_positions(column: &Column, words: &[&str]) -> SimpleExpr {
    let places = words.iter().zip(0..).fold(CaseStatement::new(), |case, (word, place)| {
        case.case(column.expr().eq(*word), Expr::val(place))
    });
    places.into()
}

/// SQL for a text with the collation applied. On MySQL and MariaDB the column has it already.
pub fn collated(text: SimpleExpr, backend: DbBackend) -> SimpleExpr {
    match backend {
        DbBackend::Sqlite => Expr::cust_with_expr("? COLLATE shop", text),
        DbBackend::Postgres => Expr::cust_with_expr("$1 COLLATE \"und-x-icu\"", text),
        _ => text,
    }
}

/// Compares two texts by the collation; trailing blanks are ignored.
pub fn compare(one: &str, other: &str) -> Ordering {
    ranks(one).cmp(ranks(other))
}

fn ranks(text: &str) -> impl Iterator<Item = u32> + '_ {
    text.trim_end_matches(' ').chars().flat_map(char::to_lowercase).flat_map(|letter| {
        let folded = FOLDED.iter().find(|(letters, _)| !letter.is_ascii() && letters.contains(letter));
        let letters = folded.map_or_else(
            || [Some(letter), None],
            |(_, plain)| {
                let mut plain = plain.chars();
                [plain.next(), plain.next()]
            },
        );
        letters.into_iter().flatten().map(rank)
    })
}

/// Rank of a letter: white space, then punctuation and digits, then all other letters by their code point.
fn rank(letter: char) -> u32 {
    const LETTERS: u32 = 1 << 21;
    if letter.is_whitespace() {
        return 0;
    }
    let at = BEFORE_LETTERS.find(letter).and_then(|at| u32::try_from(at + 1).ok());
    at.unwrap_or(LETTERS + u32::from(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_before_digits_before_letters() {
        let mut texts = ["b", "a1", "a10", "a1@", "É", "e2", "Ez", "a b", "œuf", "oeg", "Z", "ß"];
        texts.sort_by(|one, other| compare(one, other));
        assert_eq!(texts, ["a b", "a1", "a1@", "a10", "b", "É", "e2", "Ez", "oeg", "œuf", "ß", "Z"]);
        assert_eq!(compare("Société ", "SOCIETE"), Ordering::Equal);
    }
}
