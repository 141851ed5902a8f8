//! Amounts of the lines of invoices: stored without and with tax, in the currency of the invoice.

use std::collections::HashMap;

use entity::{Id, invoice, invoice_item};
use facade::record::{Currency, MAX_KEYS, TaxedMoney, View};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::Result;
use crate::scope::ShopScope;

/// The price of one, for each line.
///
/// # Errors
/// When the database fails.
pub async fn unit_prices(scope: ShopScope<'_>, items: &[View<'_>]) -> Result<Vec<TaxedMoney>> {
    use invoice_item::Column;
    taxed(scope, items, Column::UnitPriceHt, Column::UnitPriceTtc).await
}

/// The setup fee of one, for each line.
///
/// # Errors
/// When the database fails.
pub async fn unit_setups(scope: ShopScope<'_>, items: &[View<'_>]) -> Result<Vec<TaxedMoney>> {
    use invoice_item::Column;
    taxed(scope, items, Column::UnitSetupHt, Column::UnitSetupTtc).await
}

/// The amount of each line that one column holds without tax, the other with it.
async fn taxed(
    scope: ShopScope<'_>,
    items: &[View<'_>],
    net: invoice_item::Column,
    gross: invoice_item::Column,
) -> Result<Vec<TaxedMoney>> {
    let invoice = |item: &View<'_>| Ok(item.cell(invoice_item::Column::InvoiceId as usize)?.int().map(Id));
    let invoices = items.iter().map(invoice).collect::<Result<Vec<_>>>()?;
    let currencies = currencies(scope, &invoices).await?;
    let own = Currency::stored(&scope.currency().await?);
    let amount = |item: &View<'_>, column: invoice_item::Column| -> Result<f64> {
        Ok(item.cell(column as usize)?.float().unwrap_or_default())
    };
    let taxed = items.iter().zip(invoices).map(|(item, invoice)| {
        let currency = invoice.and_then(|invoice| currencies.get(&invoice)).unwrap_or(&own);
        Ok(TaxedMoney::new(amount(item, net)?, amount(item, gross)?, currency.clone()))
    });
    taxed.collect()
}

/// The currency of each of these invoices, deleted ones included.
async fn currencies(scope: ShopScope<'_>, invoices: &[Option<Id>]) -> Result<HashMap<Id, Currency>> {
    let mut keys: Vec<Id> = invoices.iter().copied().flatten().collect();
    keys.sort_unstable();
    keys.dedup();
    let mut found = HashMap::new();
    for keys in keys.chunks(MAX_KEYS) {
        let select = invoice::Entity::find()
            .select_only()
            .columns([invoice::Column::Id, invoice::Column::Currency])
            .filter(invoice::Column::Id.is_in(keys.iter().copied()))
            .limit(MAX_KEYS as u64);
        let rows: Vec<(Id, String)> = select.into_tuple().all(scope.reader()).await?;
        found.extend(rows.into_iter().map(|(id, code)| (id, Currency::stored(&code))));
    }
    Ok(found)
}
