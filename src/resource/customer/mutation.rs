//! The mutations of customers.

use async_graphql::{Context, ID, Object};
use entity::customer;
use facade::form::Form;
use facade::guard::Can;
use facade::outcome::Outcome;
use facade::payload::Deletes;
use facade::record::{Moment, require};
use facade::rest_only::RestOnly;
use facade::user_error::Refuses;

use super::action::{self, Restriction};
use super::input::{CustomerActionInput, CustomerCreateInput, CustomerUpdateInput};
use super::{Customer, DELETE, MODEL, STORE, UPDATE, delete, live_customers, mail, write};
use crate::Result;
use crate::scope::ShopScope;

/// Changing customers.
#[derive(Default)]
pub struct CustomerMutation;

#[Object]
impl CustomerMutation {
    /// Makes a customer. Without a password, the customer is mailed a link to choose one.
    #[graphql(directive = Can::apply(&[STORE]))]
    async fn customer_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer.")] input: Form<CustomerCreateInput>,
    ) -> Result<Customer> {
        let scope = ShopScope::from(ctx);
        write::create(scope, scope.check_new(input).await?).await.map(Customer)
    }

    /// Changes a customer.
    #[graphql(directive = Can::apply(&[UPDATE]))]
    async fn customer_update(
        &self,
        ctx: &Context<'_>,
        id: ID,
        #[graphql(desc = "What changes.")] input: Form<CustomerUpdateInput>,
        expected_updated_at: Option<Moment>,
    ) -> Result<Customer> {
        let scope = ShopScope::from(ctx).expecting(expected_updated_at);
        let customer = find(scope, &id).await?;
        let stored = [("country", customer.country.as_str())];
        let input = scope.check_change(input, customer.id, &stored).await?;
        write::update(scope, customer.id, input).await.map(Customer)
    }

    /// Deletes a customer: personal data is overwritten, services are deleted, invoices and tickets stay without a customer.
    /// A customer with services in use or unpaid invoices is not deleted.
    #[graphql(
        directive = Can::apply(&[DELETE]),
        directive = Deletes::apply(),
        directive = Refuses::apply(delete::IN_USE),
    )]
    async fn customer_delete(
        &self,
        ctx: &Context<'_>,
        id: ID,
        #[graphql(desc = "Whether services in use and invoices to be paid are passed over.")] force: Option<
            bool,
        >,
    ) -> Result<Outcome> {
        let scope = ShopScope::from(ctx);
        let id = find(scope, &id).await?.id;
        delete::delete(scope, id, force.unwrap_or(false)).await?;
        scope.note_deleted::<Customer>(id);
        Ok(Outcome::new("Customer deleted successfully"))
    }

    /// Marks a customer's e-mail address as confirmed.
    #[graphql(directive = Can::apply(&[UPDATE]), directive = Refuses::apply(write::CONFIRMED))]
    async fn customer_confirm(&self, ctx: &Context<'_>, id: ID) -> Result<Customer> {
        let scope = ShopScope::from(ctx);
        write::confirm(scope, find(scope, &id).await?.id).await.map(Customer)
    }

    /// Mails a customer the link that confirms the e-mail address, once more.
    #[graphql(directive = Can::apply(&[UPDATE]), directive = Refuses::apply(write::CONFIRMED))]
    async fn customer_resend_confirmation(&self, ctx: &Context<'_>, id: ID) -> Result<Outcome> {
        let scope = ShopScope::from(ctx);
        let customer = find(scope, &id).await?;
        mail::send_confirmation(scope, customer.id).await?;
        Ok(Outcome::new("Verification link sent"))
    }

    /// Mails a customer a link to choose a new password; a second one within a minute is not sent.
    #[graphql(directive = Can::apply(&[UPDATE]))]
    async fn customer_send_password(&self, ctx: &Context<'_>, id: ID) -> Result<Outcome> {
        let scope = ShopScope::from(ctx);
        mail::send_password_link(scope, &find(scope, &id).await?).await?;
        Ok(Outcome::new("Reset link sent"))
    }

    /// Suspends a customer. Of a customer who is suspended already, the reason changes.
    #[graphql(directive = Can::apply(&[UPDATE]), directive = Refuses::apply(action::BANNED))]
    async fn customer_suspend(
        &self,
        ctx: &Context<'_>,
        id: ID,
        #[graphql(desc = "Why, and how far.")] input: Option<Form<CustomerActionInput>>,
    ) -> Result<Customer> {
        restrict(ctx.into(), &id, Restriction::Suspended, input).await
    }

    /// Bans a customer: the customer cannot sign in any more. Keys keep working.
    #[graphql(directive = Can::apply(&[UPDATE]))]
    async fn customer_ban(
        &self,
        ctx: &Context<'_>,
        id: ID,
        #[graphql(desc = "Why, and how far.")] input: Option<Form<CustomerActionInput>>,
    ) -> Result<Customer> {
        restrict(ctx.into(), &id, Restriction::Banned, input).await
    }

    /// Lifts a customer's suspension and ban, and takes those services back into use that were
    /// suspended with them.
    #[graphql(directive = Can::apply(&[UPDATE]), directive = Refuses::apply(action::NOT_RESTRICTED))]
    async fn customer_reactivate(
        &self,
        ctx: &Context<'_>,
        id: ID,
        #[graphql(desc = "Whether the customer gets a mail about it.")] notify: Option<bool>,
    ) -> Result<Customer> {
        let scope = ShopScope::from(ctx);
        let customer = find(scope, &id).await?;
        action::reactivate(scope, customer.id, notify.unwrap_or(false)).await.map(Customer)
    }

    /// Takes a customer's second factor away.
    #[graphql(directive = Can::apply(&[UPDATE]), directive = Refuses::apply(action::NO_SECOND_FACTOR))]
    async fn customer_disable_two_factor(&self, ctx: &Context<'_>, id: ID) -> Result<Customer> {
        let scope = ShopScope::from(ctx);
        let customer = find(scope, &id).await?;
        action::disable_two_factor(scope, customer.id).await.map(Customer)
    }

    /// One of the four actions by its name, as REST's path has it: `suspend`, `ban`, `reactivate`
    /// or `disable2FA`.
    #[graphql(directive = Can::apply(&[UPDATE]), directive = RestOnly::apply())]
    async fn customer_action(
        &self,
        ctx: &Context<'_>,
        id: ID,
        #[graphql(desc = "Name of the action.")] action: String,
        #[graphql(desc = "Why, and how far.")] input: Option<Form<CustomerActionInput>>,
    ) -> Result<Customer> {
        let scope = ShopScope::from(ctx);
        let customer = find(scope, &id).await?;
        let input = scope.check_new(input.unwrap_or_default()).await?;
        action::run_by_name(scope, customer.id, &action, input).await.map(Customer)
    }
}

async fn find(scope: ShopScope<'_>, id: &str) -> Result<customer::Model> {
    Ok(require::<Customer>(*scope, live_customers, id, MODEL).await?.0)
}

async fn restrict(
    scope: ShopScope<'_>,
    id: &str,
    restriction: Restriction,
    input: Option<Form<CustomerActionInput>>,
) -> Result<Customer> {
    let customer = find(scope, id).await?;
    let input = scope.check_new(input.unwrap_or_default()).await?;
    action::restrict(scope, customer.id, restriction, input).await.map(Customer)
}
