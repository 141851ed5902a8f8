//! The groups of the demo shop.

use std::collections::BTreeMap;

use entity::group;
use entity::value::{Id, Int};
use sea_orm::{ConnectionTrait, Set};
use serde::Deserialize;

use crate::resource::group::MODEL;
use crate::resource::metadata;
use crate::resource::product::demo as product;
use crate::shop::sample::Failure;
use crate::shop::sample::batch::insert;
use crate::shop::sample::demo::{DemoContext, Maker};

/// Makes the groups, and draws their products for the maker of products.
pub const MAKER: Maker = Maker { after: &["server"], make: |db, making| Box::pin(make(db, making)) };

/// A group with its children.
#[derive(Deserialize)]
struct Group {
    name: String,
    slug: String,
    status: Option<String>,
    description: String,
    #[serde(default)]
    pinned: bool,
    /// Title, colour and icon.
    badge: Option<[String; 3]>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    #[serde(default)]
    groups: Vec<Group>,
}

async fn make(db: &impl ConnectionTrait, making: &mut DemoContext) -> Result<(), Failure> {
    let groups: Vec<Group> = serde_json::from_str(include_str!("demo.json"))?;
    let articles = product::articles()?;
    let mut rows = Vec::new();
    for group in &groups {
        draw(&mut rows, making, group, None, &articles);
    }
    insert(db, rows).await?;
    Ok(())
}

fn draw(
    rows: &mut Vec<group::ActiveModel>,
    making: &mut DemoContext,
    group: &Group,
    parent: Option<Id>,
    articles: &[product::Article],
) {
    let id = Id(i64::try_from(rows.len()).unwrap_or(i64::MAX - 1) + 1);
    let made = Some(making.ago(425 - id.0));
    let [title, color, icon] = group.badge.clone().map_or([None, None, None], |badge| badge.map(Some));
    rows.push(group::ActiveModel {
        id: Set(id),
        name: Set(group.name.clone()),
        slug: Set(group.slug.clone()),
        status: Set(group.status.as_deref().unwrap_or("active").to_owned()),
        description: Set(group.description.clone()),
        badge_title: Set(title),
        badge_color: Set(color),
        badge_icon: Set(icon),
        pinned: Set(group.pinned),
        sort_order: Set(Int(id.0)),
        parent_id: Set(parent),
        created_at: Set(made),
        updated_at: Set(made),
        ..Default::default()
    });
    metadata::demo::attach(making, (MODEL, id), &group.metadata, made);
    product::draw(making, articles, &group.slug, id);
    for inner in &group.groups {
        draw(rows, making, inner, Some(id), articles);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_nested() -> serde_json::Result<()> {
        let groups: Vec<Group> = serde_json::from_str(include_str!("demo.json"))?;
        assert!(groups.iter().flat_map(|group| &group.groups).any(|group| !group.groups.is_empty()));
        Ok(())
    }
}
