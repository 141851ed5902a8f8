//! The mutations of tickets (docs/contract/application-operations.md#5).

use async_graphql::{Context, ID, Object, SimpleObject};
use entity::support_ticket;
use facade::form::Form;
use facade::guard::Can;
use facade::outcome::Outcome;
use facade::payload::Deletes;
use facade::record::Moment;
use facade::rest_only::RestOnly;
use facade::user_error::Refuses;

use super::comment::TicketComment;
use super::input::{
    TicketAssignInput, TicketCloseInput, TicketCommentInput, TicketOpenInput, TicketReplyInput,
    TicketUpdateInput,
};
use super::message::TicketMessage;
use super::{CLOSE, DELETE, REOPEN, REPLY, STORE, Ticket, UPDATE, require, write};
use crate::Result;
use crate::scope::ShopScope;

/// A ticket and what was done with it.
#[derive(SimpleObject)]
#[graphql(tag = "payload")]
pub struct TicketChange {
    /// As it is now.
    ticket: Ticket,
    /// What was done, in words.
    #[graphql(directive = RestOnly::apply())]
    text: String,
}

/// A ticket and the answer that was written.
#[derive(SimpleObject)]
#[graphql(tag = "payload")]
pub struct TicketReplied {
    /// As it is now.
    ticket: Ticket,
    /// The answer; of one that is sent again within ten seconds, the first.
    message: TicketMessage,
    /// What was done, in words.
    #[graphql(directive = RestOnly::apply())]
    text: String,
}

impl TicketChange {
    fn new(scope: ShopScope<'_>, ticket: support_ticket::Model, text: &str) -> Self {
        Self { ticket: Ticket(ticket), text: scope.texts().text(text, &[]) }
    }
}

/// Changing tickets.
#[derive(Default)]
pub struct TicketMutation;

#[Object]
impl TicketMutation {
    /// Opens a ticket for a customer, who gets a mail.
    #[graphql(directive = Can::apply(&[STORE]))]
    async fn ticket_open(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ticket with its first message.")] input: Form<TicketOpenInput>,
    ) -> Result<Ticket> {
        let scope = ShopScope::from(ctx);
        write::open(scope, scope.check_new(input).await?).await.map(Ticket)
    }

    /// Changes a ticket. Its state, customer and what it is about do not change here.
    #[graphql(directive = Can::apply(&[UPDATE]))]
    async fn ticket_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Public key (UUID), global identifier, or the primary key's digits.")] id: ID,
        #[graphql(desc = "What changes.")] input: Form<TicketUpdateInput>,
        expected_updated_at: Option<Moment>,
    ) -> Result<Ticket> {
        let scope = ShopScope::from(ctx).expecting(expected_updated_at);
        let id = require(scope, &id).await?.0.id;
        let input = scope.check_change(input, id, &[]).await?;
        write::update(scope, id, &input).await.map(Ticket)
    }

    /// Puts a member of the staff in charge of a ticket, or nobody.
    #[graphql(directive = Can::apply(&[UPDATE]))]
    async fn ticket_assign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Public key (UUID), global identifier, or the primary key's digits.")] id: ID,
        #[graphql(desc = "Who is in charge.")] input: Form<TicketAssignInput>,
        expected_updated_at: Option<Moment>,
    ) -> Result<Ticket> {
        let scope = ShopScope::from(ctx).expecting(expected_updated_at);
        let id = require(scope, &id).await?.0.id;
        let input = scope.check_change(input, id, &[]).await?;
        write::assign(scope, id, &input).await.map(Ticket)
    }

    /// Answers a ticket; its customer gets a mail. An answer to a closed ticket opens it again. What the same author has said
    /// less than ten seconds ago is not written twice.
    #[graphql(directive = Can::apply(&[REPLY]))]
    async fn ticket_reply(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Public key (UUID), global identifier, or the primary key's digits.")] id: ID,
        #[graphql(desc = "The answer.")] input: Form<TicketReplyInput>,
        expected_updated_at: Option<Moment>,
    ) -> Result<TicketReplied> {
        let scope = ShopScope::from(ctx).expecting(expected_updated_at);
        let id = require(scope, &id).await?.0.id;
        let input = scope.check_new(input).await?;
        let (ticket, message) = write::reply(scope, id, &input).await?;
        let text = scope.texts().text("helpdesk.support.ticket_replied", &[]);
        Ok(TicketReplied { ticket: Ticket(ticket), message: TicketMessage(message), text })
    }

    /// Closes a ticket.
    #[graphql(directive = Can::apply(&[CLOSE]), directive = Refuses::apply(write::CLOSED))]
    async fn ticket_close(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Public key (UUID), global identifier, or the primary key's digits.")] id: ID,
        #[graphql(desc = "Why it is closed.", default)] input: Form<TicketCloseInput>,
        expected_updated_at: Option<Moment>,
    ) -> Result<TicketChange> {
        let scope = ShopScope::from(ctx).expecting(expected_updated_at);
        let id = require(scope, &id).await?.0.id;
        let input = scope.check_new(input).await?;
        let ticket = write::close(scope, id, input.reason.take()).await?;
        Ok(TicketChange::new(scope, ticket, "helpdesk.support.ticket_closed"))
    }

    /// Opens a closed ticket again.
    #[graphql(directive = Can::apply(&[REOPEN]), directive = Refuses::apply(write::NOT_CLOSED))]
    async fn ticket_reopen(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Public key (UUID), global identifier, or the primary key's digits.")] id: ID,
        expected_updated_at: Option<Moment>,
    ) -> Result<TicketChange> {
        let scope = ShopScope::from(ctx).expecting(expected_updated_at);
        let id = require(scope, &id).await?.0.id;
        let ticket = write::reopen(scope, id).await?;
        Ok(TicketChange::new(scope, ticket, "helpdesk.support.ticket_reopened"))
    }

    /// Deletes a closed ticket with what was said in it, its files and notes. In REST, one that is not closed is closed instead.
    #[graphql(
        directive = Can::apply(&[DELETE]),
        directive = Deletes::apply(),
        directive = Refuses::apply(write::NOT_CLOSED),
    )]
    async fn ticket_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Public key (UUID), global identifier, or the primary key's digits.")] id: ID,
    ) -> Result<Outcome> {
        let scope = ShopScope::from(ctx);
        let id = require(scope, &id).await?.0.id;
        if write::delete(scope, id).await? {
            scope.note_deleted::<Ticket>(id);
            return Ok(Outcome::new("Ticket deleted successfully"));
        }
        Ok(Outcome::new(scope.texts().text("helpdesk.support.ticket_closed", &[])))
    }

    /// Adds a note of the staff to a ticket, which its customer does not see.
    #[graphql(directive = Can::apply(&[REPLY]))]
    async fn ticket_comment_add(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ticket: public key (UUID), global identifier, or the primary key's digits.")]
        id: ID,
        #[graphql(desc = "The note.")] input: Form<TicketCommentInput>,
    ) -> Result<TicketComment> {
        let scope = ShopScope::from(ctx);
        let id = require(scope, &id).await?.0.id;
        let input = scope.check_new(input).await?;
        let comment = input.comment.take().unwrap_or_default();
        write::comment(scope, id, &comment).await.map(TicketComment)
    }
}
