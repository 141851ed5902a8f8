//! The URL of a group in the shop (docs/contract/application-store.md#6.1).

use std::collections::HashMap;

use entity::{Id, group, metadata, translation};
use facade::record::{Url, View, load_models};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use super::{Group, MODEL, live_groups};
use crate::Result;
use crate::resource::metadata::{Metadata, attached_to};
use crate::scope::ShopScope;

/// Characters that are percent-encoded in a segment of a path.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// Maximum number of keys in one `IN` list.
const MAX_KEYS: usize = 10_000;

/// The columns of a group that its URL is made of.
struct GroupSlug {
    id: Id,
    slug: String,
    parent_id: Option<Id>,
}

impl GroupSlug {
    fn read(group: View<'_>) -> std::result::Result<Self, DbErr> {
        let slug = group.cell(group::Column::Slug as usize)?.text().unwrap_or_default().to_owned();
        let parent_id = group.cell(group::Column::ParentId as usize)?.int().map(Id);
        Ok(Self { id: Id(group.key()?), slug, parent_id })
    }
}

/// The URL of each group in the shop, in their order; nothing for a group without a slug.
///
/// # Errors
/// When the database fails.
pub(super) async fn of_groups(scope: ShopScope<'_>, groups: &[View<'_>]) -> Result<Vec<Option<Url>>> {
    let groups = groups.iter().map(|group| GroupSlug::read(*group));
    let groups: Vec<GroupSlug> = groups.collect::<std::result::Result<_, _>>()?;
    let keys: Vec<Id> = groups.iter().map(|group| group.id).collect();
    let parent_ids = groups.iter().filter_map(|group| group.parent_id).collect();
    let parents = load_models::<Group>(*scope, parent_ids, group::Column::Id, live_groups).await?;
    let named: Vec<Id> = keys.iter().copied().chain(parents.iter().map(|parent| parent.id)).collect();
    let translated = translated_slugs(scope, named).await?;
    let slug = |id: Id, own: &str| {
        let slug = translated.get(&id).map_or(own, String::as_str);
        utf8_percent_encode(slug, ESCAPED).to_string()
    };
    let parents = parents.iter().map(|parent| (parent.id, slug(parent.id, &parent.slug)));
    let parents: HashMap<Id, String> = parents.collect();
    let custom_urls = custom_urls(scope, keys).await?;
    let store = format!("{}/store", scope.public_url());
    let routes = groups.iter().map(|group| {
        if let Some(url) = custom_urls.get(&group.id) {
            return Some(url.clone());
        }
        let slug = Some(slug(group.id, &group.slug)).filter(|slug| !slug.is_empty())?;
        let parent = group.parent_id.filter(|parent| *parent != group.id).and_then(|id| parents.get(&id));
        match parent.filter(|parent| !parent.is_empty()) {
            Some(parent) => Some(format!("{store}/{parent}/{slug}")),
            None => Some(format!("{store}/{slug}")),
        }
    });
    Ok(routes.map(|route| route.map(Url::from)).collect())
}

fn url_metadata() -> Select<metadata::Entity> {
    attached_to(MODEL).filter(metadata::Column::Key.eq("group_url"))
}

/// URLs that the staff set for groups.
async fn custom_urls(scope: ShopScope<'_>, keys: Vec<Id>) -> Result<HashMap<Id, String>> {
    let rows = load_models::<Metadata>(*scope, keys, metadata::Column::ModelId, url_metadata).await?;
    let given = rows.into_iter().filter_map(|row| Some((row.model_id, row.value?)));
    Ok(given.filter(|(_, url)| !matches!(url.as_str(), "" | "0")).collect())
}

/// Translations of slugs into the default language of the shop.
async fn translated_slugs(scope: ShopScope<'_>, mut keys: Vec<Id>) -> Result<HashMap<Id, String>> {
    let select = translation::Entity::find()
        .select_only()
        .columns([translation::Column::ModelId, translation::Column::Content])
        .filter(translation::Column::Model.eq(MODEL))
        .filter(translation::Column::Key.eq("slug"))
        .filter(translation::Column::Locale.eq(scope.default_locale().await?))
        .order_by_asc(translation::Column::Id);
    keys.sort_unstable();
    keys.dedup();
    let mut slugs = HashMap::new();
    for keys in keys.chunks(MAX_KEYS) {
        let select = select.clone().filter(translation::Column::ModelId.is_in(keys.iter().copied()));
        slugs.extend(select.into_tuple::<(Id, String)>().all(scope.reader()).await?);
    }
    slugs.retain(|_, slug| !slug.is_empty());
    Ok(slugs)
}
