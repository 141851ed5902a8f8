//! The names of abilities on the command line: which there are, what a list of them means, and what a misspelt one was
//! meant to be.

use std::collections::HashSet;

use serde_json::{Value as Json, json};

use super::{Failure, say, type_name};
use crate::access::Audience;
use crate::resource;

/// All abilities of an audience.
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
/// When names are unknown or are not for this audience (all of them are told), or there is none.
pub(super) fn resolve(given: &[String], audience: Audience) -> Result<Vec<String>, Failure> {
    if given.is_empty() {
        let all = if audience == Audience::Staff { EVERYTHING } else { CUSTOMER };
        return Ok(vec![all.to_owned()]);
    }
    let known = known();
    let (mut names, mut refused) = (Vec::new(), Vec::new());
    let separated = given.iter().flat_map(|list| list.split([',', ' ', '\t', '\n']));
    for name in separated.filter(|name| !name.is_empty()) {
        match meant(name, &known, audience) {
            Some(meant) => names.extend(meant),
            None => refused.push(refusal(name, &known, audience)),
        }
    }
    if !refused.is_empty() {
        return Err(Failure::usage(format!(
            "{} (`create-api-key --list-permissions --type {}` lists them)",
            distinct(refused).join("; "),
            type_name(audience)
        )));
    }
    if names.is_empty() { Err(Failure::usage("--permissions names nothing")) } else { Ok(distinct(names)) }
}

/// Each text once, where it comes first.
fn distinct(mut texts: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    texts.retain(|text| seen.insert(text.clone()));
    texts
}

/// The abilities of this audience that one name means.
fn meant(name: &str, known: &[Known], audience: Audience) -> Option<Vec<String>> {
    let known = known.iter().filter(|known| known.audience == audience);
    let is_whole = name == EVERYTHING || name == CUSTOMER && audience == Audience::Customers;
    if is_whole || known.clone().any(|known| known.name == name || known.aliases.contains(&name)) {
        return Some(vec![name.to_owned()]);
    }
    let resource = name.strip_suffix('*').filter(|resource| resource.ends_with(':'))?;
    let names: Vec<String> =
        known.filter(|known| known.name.starts_with(resource)).map(|known| known.name.to_owned()).collect();
    (!names.is_empty()).then_some(names)
}

/// Why a name is no ability of this audience.
fn refusal(name: &str, known: &[Known], audience: Audience) -> String {
    let (owner, other) = match audience {
        Audience::Staff => ("the staff", Audience::Customers),
        Audience::Customers => ("a customer", Audience::Staff),
    };
    if meant(name, known, other).is_some() {
        return format!("a key of {owner} cannot have `{name}`");
    }
    let nearest = nearest(name, known.iter().filter(|known| known.audience == audience));
    let meant = nearest.map_or_else(String::new, |meant| format!(": did you mean `{meant}`?"));
    format!("no ability is named `{name}`{meant}")
}

/// The name that is most like a misspelt one.
fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k Known> + Clone) -> Option<String> {
    let plain = name.trim_matches(|letter: char| !letter.is_alphanumeric() && letter != '*');
    let resources = known.clone().filter_map(|known| known.name.split_once(':'));
    let names =
        known.map(|known| known.name.to_owned()).chain(resources.map(|(name, _)| format!("{name}:*")));
    let likeness = |meant: &String| strsim::jaro_winkler(plain, meant);
    let best = names.max_by(|one, other| likeness(one).total_cmp(&likeness(other)))?;
    (likeness(&best) > 0.8).then_some(best)
}

/// All names that a key of this audience may have, with what they open.
fn offered(audience: Audience) -> Vec<Known> {
    let doc = match audience {
        Audience::Staff => "Everything of the administration, whatever the role of its owner.",
        Audience::Customers => "Everything that a customer may do.",
    };
    let mut all = known();
    all.retain(|known| known.audience == audience);
    all.insert(0, Known { name: EVERYTHING, audience, doc, aliases: &[] });
    all
}

impl Known {
    /// What it opens, as one line.
    fn opens(&self) -> String {
        self.doc.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn object(&self) -> Json {
        let Self { name, audience, aliases, .. } = self;
        json!({"name": name, "type": type_name(*audience), "opens": self.opens(), "older_names": aliases})
    }

    fn tell(&self) {
        let Self { name, aliases, .. } = self;
        let older =
            if aliases.is_empty() { String::new() } else { format!(" Older names: {}.", aliases.join(", ")) };
        say(&format!("{name:<30}  {}{older}", self.opens()));
    }
}

/// Prints all names with what they open and their older names: those of one audience, or of both.
pub(super) fn list(audience: Option<Audience>, as_json: bool) -> Result<(), Failure> {
    let audiences = audience.map_or_else(|| vec![Audience::Staff, Audience::Customers], |one| vec![one]);
    if as_json {
        let all: Vec<Json> = audiences.into_iter().flat_map(offered).map(|known| known.object()).collect();
        say(&serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    for audience in &audiences {
        if audiences.len() > 1 && *audience == Audience::Customers {
            say("\nOf a customer's key (--type customer):");
        }
        offered(*audience).iter().for_each(Known::tell);
    }
    Ok(())
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
        let refused = staff("products:indx,foo products:indx").unwrap_err();
        let both = "no ability is named `products:indx`: did you mean `products:index`?; no ability is named `foo` (";
        assert!(refused.starts_with(both), "{refused}");
    }

    #[test]
    fn what_only_others_can_have_is_told_as_such() {
        let customer =
            |given: &str| resolve(&[given.to_owned()], Audience::Customers).map_err(|f| f.to_string());
        for (refused, text) in [
            (staff("client-api"), "a key of the staff cannot have `client-api`"),
            (staff("customer:*"), "a key of the staff cannot have `customer:*`"),
            (customer("products:*"), "a key of a customer cannot have `products:*`"),
            (customer("products:create"), "a key of a customer cannot have `products:create`"),
        ] {
            let refused = refused.unwrap_err();
            assert!(refused.starts_with(text), "{refused}");
        }
        assert!(customer("products:indx").unwrap_err().contains("no ability is named"));
        assert_eq!(customer("*").unwrap(), ["*"]);
    }
}
