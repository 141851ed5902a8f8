//! How texts are ordered: as the original's database does it, whichever database it is. Signs come
//! before digits, digits before letters; case and accents don't count.

use std::cmp::Ordering;

use sea_orm::DbBackend;
use sea_orm::sea_query::{CaseStatement, ColumnType, Expr, ExprTrait, SimpleExpr};

use crate::column::Column;

/// The order's name in SQLite, where every connection brings it along.
pub const SQLITE: &str = "shop";
/// Signs and digits in their order.
const BEFORE_LETTERS: &str = "_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789";
/// Letters and what they are ordered as.
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

/// What a letter that is no plain one is ordered as.
pub fn folded(letter: char) -> Option<&'static str> {
    FOLDED.iter().find(|(letters, _)| letters.contains(letter)).map(|(_, plain)| *plain)
}

/// What a list is ordered by for a column: texts in the shop's order, words as they are listed.
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

/// Where a column's word stands in the list of words.
pub fn word_positions(column: &Column, words: &[&str]) -> SimpleExpr {
    let places = words.iter().zip(0..).fold(CaseStatement::new(), |case, (word, place)| {
        case.case(column.expr().eq(*word), Expr::val(place))
    });
    places.into()
}

/// A text, compared in the shop's order.
pub fn collated(text: SimpleExpr, backend: DbBackend) -> SimpleExpr {
    match backend {
        DbBackend::Sqlite => Expr::cust_with_expr("? COLLATE shop", text),
        DbBackend::Postgres => Expr::cust_with_expr("$1 COLLATE \"und-x-icu\"", text),
        _ => text,
    }
}

/// Compares two texts in the shop's order.
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

/// Blanks, signs and digits, and behind them all letters by their code.
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
