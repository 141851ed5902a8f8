//! The names of abilities on the command line: which there are, what a list of them means, and what a misspelt one was
//! meant to be.

use super::{Failure, say};
use crate::access::Audience;
use crate::resource;

/// Everything that the owner of a key may do.
const EVERYTHING: &str = "*";
/// What the original gives to the key of a customer.
const CUSTOMER: &str = "customer:*";

/// Abilities for operations that the original answers and guichet passes on
/// (docs/contract/application-operations.md): keys are made for these too.
const OF_ORIGINAL: [&str; 32] = [
    "actionlogs:index",
    "actionlogs:show",
    "cancellation_reasons:analytics",
    "cancellation_reasons:delete",
    "cancellation_reasons:index",
    "cancellation_reasons:show",
    "cancellation_reasons:store",
    "cancellation_reasons:update",
    "invoices:delete",
    "invoices:index",
    "invoices:show",
    "invoices:store",
    "invoices:update",
    "logs:index",
    "logs:show",
    "servers:delete",
    "servers:index",
    "servers:show",
    "servers:store",
    "servers:test",
    "servers:update",
    "subdomains:delete",
    "subdomains:index",
    "subdomains:show",
    "subdomains:store",
    "subdomains:update",
    "tickets:close",
    "tickets:delete",
    "tickets:index",
    "tickets:reopen",
    "tickets:reply",
    "tickets:show",
];

/// A name that a key may have.
struct Known {
    name: &'static str,
    audience: Audience,
    /// What it opens.
    doc: &'static str,
    /// Older names of the same.
    aliases: &'static [&'static str],
}

/// All names, ordered.
fn known() -> Vec<Known> {
    let declared = resource::abilities().declared().map(|declared| Known {
        name: declared.ability.name(),
        audience: declared.audience,
        doc: declared.doc.trim(),
        aliases: declared.aliases,
    });
    let of_original = OF_ORIGINAL.map(|name| Known {
        name,
        audience: Audience::Staff,
        doc: "Passed on to the shop's own software.",
        aliases: &[],
    });
    let mut all: Vec<Known> = declared.collect();
    for of_original in of_original {
        if !all.iter().any(|known| known.name == of_original.name) {
            all.push(of_original);
        }
    }
    all.sort_by_key(|known| known.name);
    all
}

/// The abilities that lists of names mean: separated by commas or spaces, `products:*` for all of a resource.
///
/// # Errors
/// When a name is unknown, or there is none.
pub(super) fn resolve(given: &[String], audience: Audience) -> Result<Vec<String>, Failure> {
    if given.is_empty() {
        let all = if audience == Audience::Staff { EVERYTHING } else { CUSTOMER };
        return Ok(vec![all.to_owned()]);
    }
    let known: Vec<Known> = known().into_iter().filter(|known| known.audience == audience).collect();
    let mut names: Vec<String> = Vec::new();
    let separated = given.iter().flat_map(|list| list.split([',', ' ', '\t', '\n']));
    for name in separated.filter(|name| !name.is_empty()) {
        for name in meant(name, &known, audience)? {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    if names.is_empty() { Err(Failure::usage("--permissions names nothing")) } else { Ok(names) }
}

/// The abilities that one name means.
fn meant(name: &str, known: &[Known], audience: Audience) -> Result<Vec<String>, Failure> {
    let is_whole = name == EVERYTHING || name == CUSTOMER && audience == Audience::Customers;
    if is_whole || known.iter().any(|known| known.name == name || known.aliases.contains(&name)) {
        return Ok(vec![name.to_owned()]);
    }
    if let Some(resource) = name.strip_suffix('*').filter(|resource| resource.ends_with(':')) {
        let of_resource = known.iter().filter(|known| known.name.starts_with(resource));
        let names: Vec<String> = of_resource.map(|known| known.name.to_owned()).collect();
        if !names.is_empty() {
            return Ok(names);
        }
    }
    let meant = nearest(name, known).map_or_else(String::new, |meant| format!(": did you mean `{meant}`?"));
    Err(Failure::usage(format!(
        "no ability is named `{name}`{meant} (`create-api-key --list-permissions` lists them)"
    )))
}

/// The name that is most like a misspelt one.
fn nearest(name: &str, known: &[Known]) -> Option<String> {
    let plain = name.trim_matches(|letter: char| !letter.is_alphanumeric() && letter != '*');
    let wholes =
        known.iter().filter_map(|known| known.name.split_once(':')).map(|(name, _)| format!("{name}:*"));
    let names = known.iter().map(|known| known.name.to_owned()).chain(wholes);
    let likeness = |meant: &String| strsim::jaro_winkler(plain, meant);
    let best = names.max_by(|one, other| likeness(one).total_cmp(&likeness(other)))?;
    (likeness(&best) > 0.8).then_some(best)
}

/// Prints all names with what they open, and their older names.
pub(super) fn list() {
    say("*                               Everything that its owner may do.");
    for Known { name, doc, aliases, .. } in known() {
        let older =
            if aliases.is_empty() { String::new() } else { format!(" Older names: {}.", aliases.join(", ")) };
        let doc = doc.split_whitespace().collect::<Vec<_>>().join(" ");
        say(&format!("{name:<30}  {doc}{older}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn staff(given: &str) -> Result<Vec<String>, String> {
        resolve(&[given.to_owned()], Audience::Staff).map_err(|failure| failure.to_string())
    }

    #[test]
    fn names_are_separated_expanded_and_each_there_once() {
        assert_eq!(staff("products:index health,products:index").unwrap(), ["products:index", "health"]);
        let all = staff("products:*").unwrap();
        assert!(
            all.contains(&"products:store".to_owned())
                && all.iter().all(|name| name.starts_with("products:"))
        );
        assert_eq!(staff("*").unwrap(), ["*"]);
        assert_eq!(staff("products:create").unwrap(), ["products:create"], "an older name");
        assert_eq!(staff("servers:test").unwrap(), ["servers:test"], "of the original");
        assert_eq!(resolve(&[], Audience::Customers).unwrap(), ["customer:*"]);
    }

    #[test]
    fn a_misspelt_name_is_refused_with_what_was_meant() {
        for (given, meant) in [
            ("products:indx", "products:index"),
            ("[products:index]", "products:index"),
            ("\"products:index\"", "products:index"),
            ("Products:Index", "products:index"),
            ("product:*", "products:*"),
        ] {
            let refused = staff(given).unwrap_err();
            assert!(refused.contains(&format!("did you mean `{meant}`?")), "{refused}");
        }
        assert!(!staff("foo").unwrap_err().contains("did you mean"));
        assert_eq!(staff(" , ").unwrap_err(), "--permissions names nothing");
        assert!(staff("client-api").is_err(), "only customers can have it");
    }
}
