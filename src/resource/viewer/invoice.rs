//! Invoices as their customer sees them (docs/contract/client.md#8): no drafts, no notes, and of the gateway only its
//! reference.

use entity::{invoice, invoice_item};
use facade::record::TaxedMoney;
use facade::{filters, record};
use sea_orm::{ColumnTrait, QueryFilter, Select};

use super::own;
use crate::access::CLIENT_API;
use crate::resource::invoice::{
    Invoice, InvoiceItem, InvoiceStatus, address_lines, live_invoices, live_items, unit_prices, unit_setups,
};
use crate::scope::ShopScope;

record! {
    /// An invoice of the customer.
    pub struct ViewerInvoice view of Invoice;
    #[can(CLIENT_API)] node: |ctx| own_invoices(ctx.into());
    columns {
        uuid,
        /// Its number.
        invoice_number,
        /// Its state; `PENDING` and `FAILED` can be paid.
        status,
        subtotal, tax, total, balance, currency, external_id, due_date, paid_at, created_at,
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
    pub struct ViewerInvoiceItem view of InvoiceItem;
    columns { name, description, quantity }
    branches {
        /// Price of one.
        unit_price: each<TaxedMoney>(unit_prices, [InvoiceId, UnitPriceHt, UnitPriceTtc]),
        /// Setup fee of one.
        unit_setup: each<TaxedMoney>(unit_setups, [InvoiceId, UnitSetupHt, UnitSetupTtc]),
    }
}

filters! {
    /// Conditions on the customer's invoices; all given ones must hold.
    pub struct ViewerInvoiceFilter, ViewerInvoiceSort, ViewerInvoiceSortField on entity::invoice {
        /// Primary key.
        database_id: IntFilter = Id,
        /// Its number.
        invoice_number: TextFilter = InvoiceNumber,
        /// Its state.
        status: WordFilter<InvoiceStatus> = Status in InvoiceStatus,
        /// Day until which it is to be paid.
        due_date: DateFilter = DueDate,
        /// To pay, taxes included.
        total: DecimalFilter = Total,
        /// Currency, three letters.
        currency: TextFilter = Currency,
        /// When it was paid.
        paid_at: DateTimeFilter = PaidAt,
        /// When it was made.
        created_at: DateTimeFilter = CreatedAt,
    }
}

/// Invoices that customers see: neither deleted nor drafts.
pub(super) fn visible_invoices() -> Select<invoice::Entity> {
    live_invoices().filter(invoice::Column::Status.ne("draft"))
}

fn own_invoices(scope: ShopScope<'_>) -> Select<invoice::Entity> {
    own(visible_invoices(), invoice::Column::CustomerId, scope)
}
