//! The order in which makers run.

use super::{Failure, Named};

/// Sorts makers: each comes after those in its `after`; otherwise they keep the order of the list.
///
/// # Errors
/// When a maker names one that is not there, or makers wait for each other.
pub fn ordered<M: Copy>(
    makers: &[Named<M>],
    after: impl Fn(&M) -> &'static [&'static str],
) -> Result<Vec<M>, Failure> {
    let known = |name: &str| makers.iter().any(|(other, _)| *other == name);
    for (name, maker) in makers {
        if let Some(unknown) = after(maker).iter().find(|other| !known(other)) {
            return Err(format!("`{name}` is made after `{unknown}`, which nothing makes").into());
        }
    }
    let (mut waiting, mut ordered) = (makers.to_vec(), Vec::new());
    while !waiting.is_empty() {
        // A resource without makers has one that makes nothing, beside one of its name that stands elsewhere.
        let is_done = |name: &&str| waiting.iter().all(|(other, _)| other != name);
        let ready = waiting.iter().position(|(_, maker)| after(maker).iter().all(is_done));
        let Some(ready) = ready else {
            let names: Vec<_> = waiting.iter().map(|(name, _)| *name).collect();
            return Err(format!("these wait for each other: {}", names.join(", ")).into());
        };
        ordered.push(waiting.remove(ready).1);
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Maker = (char, &'static [&'static str]);

    fn letters(makers: &[Named<Maker>]) -> Result<String, String> {
        let ordered = ordered(makers, |(_, after)| after).map_err(|failure| failure.to_string())?;
        Ok(ordered.iter().map(|(letter, _)| letter).collect())
    }

    #[test]
    fn each_runs_after_those_that_it_names() {
        let makers: [Named<Maker>; 3] = [("a", ('a', &["c"])), ("b", ('b', &[])), ("c", ('c', &["b"]))];
        assert_eq!(letters(&makers), Ok("bca".to_owned()));
    }

    #[test]
    fn a_name_is_done_with_the_last_of_its_makers() {
        let makers: [Named<Maker>; 4] =
            [("a", ('a', &[])), ("b", ('b', &["a"])), ("c", ('c', &[])), ("a", ('d', &["c"]))];
        assert_eq!(letters(&makers), Ok("acdb".to_owned()));
    }

    #[test]
    fn names_that_lead_nowhere_or_round_are_told() {
        let unknown: [Named<Maker>; 1] = [("a", ('a', &["x"]))];
        assert_eq!(letters(&unknown), Err("`a` is made after `x`, which nothing makes".to_owned()));
        let round: [Named<Maker>; 3] = [("a", ('a', &["b"])), ("b", ('b', &["a"])), ("c", ('c', &[]))];
        assert_eq!(letters(&round), Err("these wait for each other: a, b".to_owned()));
    }
}
