//! Invoices as their customer sees them (docs/contract/client.md#8): no drafts, no notes, nothing of the
//! gateway but its reference.

use entity::{invoice, invoice_item};
use facade::record;
use sea_orm::{ColumnTrait, QueryFilter, Select};

use super::own;
use crate::access::CLIENT_API;
use crate::resource::invoice::{InvoiceStatus, address_lines, live_invoices, live_items};
use crate::scope::ShopScope;

record! {
    /// An invoice of the customer.
    pub struct ViewerInvoice(entity::invoice);
    #[can(CLIENT_API)] node: |ctx| own_invoices(ctx.into());
    columns {
        /// Public key, UUID.
        uuid,
        /// Its number.
        invoice_number,
        /// Its state; `PENDING` and `FAILED` can be paid.
        status as InvoiceStatus,
        /// Sum before taxes.
        subtotal,
        /// Taxes.
        tax,
        /// To pay, taxes included.
        total,
        /// Part that was paid with the customer's credit.
        balance,
        /// Currency, three letters.
        currency,
        /// Key of the payment at the gateway.
        external_id,
        /// Day until which it is to be paid.
        due_date,
        /// When it was paid.
        paid_at,
        /// When it was made.
        created_at,
    }
    branches {
        /// Printed lines of the address: the stored one, else the customer's of today.
        billing_address: each<Vec<String>>(address_lines, [BillingAddress, CustomerId]),
        /// Its lines.
        items: many<ViewerInvoiceItem>(invoice_item::Column::InvoiceId, live_items),
    }
}

record! {
    /// A line of an invoice.
    pub struct ViewerInvoiceItem(entity::invoice_item);
    columns {
        /// Title.
        name,
        /// Text.
        description,
        /// How many.
        quantity,
        /// Price of one, before taxes.
        unit_price_ht,
        /// Setup fee of one, before taxes.
        unit_setup_ht,
        /// Price of one, taxes included.
        unit_price_ttc,
        /// Setup fee of one, taxes included.
        unit_setup_ttc,
    }
}

/// Invoices that customers see: neither deleted nor drafts.
pub(super) fn visible_invoices() -> Select<invoice::Entity> {
    live_invoices().filter(invoice::Column::Status.ne("draft"))
}

fn own_invoices(scope: ShopScope<'_>) -> Select<invoice::Entity> {
    own(visible_invoices(), invoice::Column::CustomerId, scope)
}
