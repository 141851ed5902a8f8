//! Invoices and drafts of invoices (docs/contract/application-operations.md#3).

mod address;
mod amounts;
pub mod demo;
pub mod seed;

use async_graphql::MergedObject;
use entity::{invoice, invoice_item};
use facade::filter::exists;
use facade::record::{Currency, JsonText, Key, KeyOf, TaxedMoney};
use facade::{filters, list, one, record, words};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, Select};

pub(super) use self::address::lines as address_lines;
pub(super) use self::amounts::{unit_prices, unit_setups};
use super::customer::{self, Customer, CustomerFilter};
use crate::abilities;

abilities! {
    /// Lists invoices.
    INDEX = "invoices:index";
    /// Shows invoices.
    SHOW = "invoices:show";
}

/// The class of an invoice in texts and polymorphic columns of the original.
pub const MODEL: &str = "App\\Models\\Billing\\Invoice";

words! {
    /// State of an invoice.
    pub enum InvoiceStatus {
        /// Not sent yet: can be changed.
        Draft = "draft",
        /// To be paid.
        Pending = "pending",
        /// Paid.
        Paid = "paid",
        /// Given up.
        Cancelled = "cancelled",
        /// Paid back.
        Refunded = "refunded",
        /// Its payment failed; it can still be paid.
        Failed = "failed",
    }
}

record! {
    /// An invoice, or the draft of one.
    pub struct Invoice(entity::invoice);
    #[can(SHOW, INDEX)] node: |_| live_invoices();
    columns {
        /// Public key, UUID.
        uuid,
        /// Day until which it is to be paid.
        due_date,
        /// Identifier of its customer; null once the customer was deleted.
        customer_id shown KeyOf<Customer>,
        /// To pay, taxes included.
        total: Money in currency,
        /// Part that was paid with the customer's credit.
        balance: Money in currency,
        /// Sum before taxes.
        subtotal: Money in currency,
        /// Taxes.
        tax: Money in currency,
        /// Setup fees, part of the subtotal.
        setup_fees from setupfees: Money in currency,
        /// Currency of its amounts.
        currency shown Currency,
        /// Its state.
        status as InvoiceStatus,
        /// Key of the stored means of payment.
        payment_method_id,
        /// When it was paid.
        paid_at,
        /// SHA-256 of the PDF that was last stored.
        pdf_sha256,
        /// Key of the payment at the gateway.
        external_id,
        /// Text printed on it.
        notes,
        /// Gateway, by its `uuid`.
        payment_gateway from paymethod,
        /// Fees of the gateway.
        fees: Money in currency,
        /// Its number; drafts may have none.
        invoice_number,
        /// When it was made.
        created_at,
        /// When it was last changed.
        updated_at,
        /// When it was deleted.
        deleted_at,
    }
    branches {
        /// Printed lines of the address: the stored one, else the customer's of today.
        billing_address: each<Vec<String>>(address::lines, [BillingAddress, CustomerId]),
        /// Its customer.
        #[can(customer::SHOW, customer::INDEX)] customer: one<Customer>(customer_id, customer::live_customers),
        /// Its customer where the lines of the address are the customer's of today, because none was stored.
        #[can(customer::SHOW, customer::INDEX)] addressed_customer:
            some<Customer>(address::current_customer, [BillingAddress, CustomerId], customer::live_customers),
        /// Its lines.
        #[can(SHOW, INDEX)] items:
            many<InvoiceItem>(invoice_item::Column::InvoiceId, live_items),
    }
}

record! {
    /// A line of an invoice.
    pub struct InvoiceItem(entity::invoice_item);
    #[can(SHOW, INDEX)] node: |_| items_of_live_invoices();
    columns {
        /// Title.
        name,
        /// Text.
        description,
        /// How many.
        quantity,
        /// The coupon that applies and what it takes off.
        discount shown JsonText,
        /// Price of one, before taxes.
        #[rest_only] unit_price_ht,
        /// Setup fee of one, before taxes.
        #[rest_only] unit_setup_ht,
        /// Price of one, taxes included.
        #[rest_only] unit_price_ttc,
        /// Setup fee of one, taxes included.
        #[rest_only] unit_setup_ttc,
        /// Identifier of the invoice.
        invoice_id shown KeyOf<Invoice>,
        /// What is sold: `service`, `renewal`, `custom_item` and others.
        r#type,
        /// Identifier of what is sold, in the table that the type implies.
        related_id shown Key,
        /// What delivery needs.
        data shown JsonText,
        /// When it was delivered.
        delivered_at,
        /// When it was cancelled.
        cancelled_at,
        /// When it was paid back.
        refunded_at,
        /// When it was made.
        created_at,
        /// When it was last changed.
        updated_at,
        /// Identifier of the line that it belongs to.
        parent_id shown Key,
        /// Price of one before discounts, as it was stored; used nowhere.
        #[rest_only] unit_original_price,
        /// Setup fee of one before discounts, as it was stored; used nowhere.
        #[rest_only] unit_original_setupfees,
        /// When it was deleted.
        deleted_at,
    }
    branches {
        /// Price of one.
        unit_price: each<TaxedMoney>(amounts::unit_prices, [InvoiceId, UnitPriceHt, UnitPriceTtc]),
        /// Setup fee of one.
        unit_setup: each<TaxedMoney>(amounts::unit_setups, [InvoiceId, UnitSetupHt, UnitSetupTtc]),
        /// The invoice that it stands on.
        #[can(SHOW, INDEX)] invoice: one<Invoice>(invoice_id, live_invoices),
    }
}

filters! {
    /// Conditions on invoices; all given ones must hold.
    pub struct InvoiceFilter, InvoiceSort, InvoiceSortField on entity::invoice {
        /// Primary key.
        database_id: IntFilter = Id,
        /// Identifier of its customer.
        customer_id: KeyFilter<Customer> = CustomerId,
        /// Its number; drafts may have none.
        invoice_number: TextFilter = InvoiceNumber,
        /// Its state.
        status: WordFilter<InvoiceStatus> = Status in InvoiceStatus,
        /// Day until which it is to be paid.
        due_date: DateFilter = DueDate,
        /// To pay, taxes included.
        total: DecimalFilter = Total,
        /// Part that was paid with the customer's credit.
        balance: DecimalFilter = Balance,
        /// Currency, three letters.
        currency: TextFilter = Currency,
        /// When it was paid.
        paid_at: DateTimeFilter = PaidAt,
        /// When it was made.
        created_at: DateTimeFilter = CreatedAt,
        /// When it was last changed.
        updated_at: DateTimeFilter = UpdatedAt,
    }
    related {
        /// Invoices whose customer meets these conditions.
        #[can(customer::INDEX, customer::SHOW)]
        customer: CustomerFilter(entity::customer::Column::Id = CustomerId, customer::live_customers),
    }
}

one! {
    /// An invoice by its identifier.
    #[can(SHOW, INDEX)] pub InvoiceById: invoice<Invoice>(live_invoices);
}

list! {
    /// Invoices and drafts of invoices.
    #[can(INDEX)] pub InvoiceList: invoices<Invoice>(live_invoices) by InvoiceFilter, InvoiceSort,
    search(invoice::Column::InvoiceNumber): "Only invoices whose number holds this text, exact matches first.";
}

/// Reading invoices.
#[derive(MergedObject, Default)]
pub struct InvoiceQuery(InvoiceById, InvoiceList);

/// Invoices that are not deleted, ordered by primary key.
pub fn live_invoices() -> Select<invoice::Entity> {
    invoice::Entity::find().filter(invoice::Column::DeletedAt.is_null()).order_by_asc(invoice::Column::Id)
}

/// Items that are not deleted, ordered by primary key.
pub(super) fn live_items() -> Select<invoice_item::Entity> {
    let items = invoice_item::Entity::find().filter(invoice_item::Column::DeletedAt.is_null());
    items.order_by_asc(invoice_item::Column::Id)
}

fn items_of_live_invoices() -> Select<invoice_item::Entity> {
    let on = invoice_item::Column::InvoiceId;
    live_items().filter(exists(live_invoices(), invoice::Column::Id, on, Condition::all()))
}
