//! The inputs that create and change customers (docs/contract/application-store.md#4.3,
//! docs/contract/application-store.md#4.5, docs/contract/application-store.md#4.10).

use facade::form;
use facade::record::Decimal;

use super::rule::{country, locale, no_plus, phone, postcode};

form! {
    /// What a new customer is made from.
    pub struct CustomerCreateInput for entity::customer {
        /// Given name.
        firstname: String => [required(), string(), max(50), plain_text()],
        /// Family name.
        lastname: String => [required(), string(), max(50), plain_text()],
        /// Street and number.
        address: String => [required(), string(), max(250), plain_text()],
        /// Second line of the address.
        address2: String => [nullable(), string(), max(250), plain_text()],
        /// Town.
        city: String => [required(), string(), max(250), plain_text()],
        /// Phone number, stored as it is typed.
        #[no_column]
        phone: String => [nullable(), max(30), phone(), unique("customers", "phone")],
        /// Postal code, shaped as those of the country are.
        zipcode: String => [required(), string(), max(255), postcode()],
        /// Region, state or county.
        region: String => [required(), string(), max(250), plain_text()],
        /// Country, two letters; one that the shop sells to.
        country: String => [required(), string(), max(255), country()],
        /// Company that the customer buys for.
        company_name: String => [nullable(), string(), max(255), plain_text()],
        /// Further lines of the address on invoices.
        billing_details: String => [nullable(), string(), max(255), plain_text()],
        /// Language and country, as in `fr_FR`; one that the shop speaks.
        locale: String => [required(), string(), max(255), locale()],
        /// Address with which the customer signs in, in lower case.
        email: String => [
            required(), string(), lowercase(), email(), max(255), unique("customers", "email"), no_plus()
        ],
        /// Password; without one, the customer is mailed a link to choose one.
        #[no_column]
        password: String => [nullable(), string(), min(8)],
        /// Whether the e-mail address counts as confirmed.
        #[no_column]
        verified: bool => [nullable(), boolean()],
        /// Credit in the shop's currency.
        balance: Decimal => [numeric(), min(0), max(9_999_999_999), in_graphql(decimals(2))],
    }
}

form! {
    /// What changes in a customer; fields that are left out stay as they are.
    pub struct CustomerUpdateInput for entity::customer {
        /// Given name.
        firstname: String => [required_unless_partial(), string(), max(50), plain_text()],
        /// Family name.
        lastname: String => [required_unless_partial(), string(), max(50), plain_text()],
        /// Street and number.
        address: String => [required_unless_partial(), string(), max(250), plain_text()],
        /// Second line of the address.
        address2: String => [nullable(), string(), max(250), plain_text()],
        /// Town.
        city: String => [required_unless_partial(), string(), max(250), plain_text()],
        /// Phone number, stored as it is typed.
        #[no_column]
        phone: String => [nullable(), max(30), phone(), unique("customers", "phone")],
        /// Postal code, shaped as those of the country are.
        zipcode: String => [required_unless_partial(), string(), max(255), postcode()],
        /// Region, state or county.
        region: String => [required_unless_partial(), string(), max(250), plain_text()],
        /// Country, two letters; one that the shop sells to.
        country: String => [required_unless_partial(), string(), max(255), country()],
        /// Company that the customer buys for.
        company_name: String => [nullable(), string(), max(255), plain_text()],
        /// Further lines of the address on invoices.
        billing_details: String => [nullable(), string(), max(255), plain_text()],
        /// Language and country, as in `fr_FR`; one that the shop speaks.
        locale: String => [string(), max(255), locale()],
        /// Address with which the customer signs in, in lower case; its confirmation stays as it is.
        email: String => [
            required_unless_partial(), string(), lowercase(), email(), max(255), unique("customers", "email"),
            no_plus()
        ],
        /// New password; null leaves the old one. Keys keep working.
        #[no_column]
        password: String => [nullable(), string(), min(8)],
        /// Validated, then ignored: a customer is confirmed by an operation of its own.
        #[no_column]
        verified: bool => [nullable(), boolean()],
        /// Credit in the shop's currency.
        balance: Decimal => [numeric(), min(0), max(999_999), in_graphql(decimals(2))],
    }
}

form! {
    /// How a customer is shut out or let back in.
    pub struct CustomerActionInput {
        /// Why; `No reason provided` where nothing is said.
        reason: String => [nullable(), string(), max(10_000)],
        /// Whether the customer's active services are suspended too.
        force: bool => [nullable(), flag()],
        /// Whether the customer gets a mail about it.
        notify: bool => [nullable(), flag()],
    }
}
