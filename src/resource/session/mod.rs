//! Sessions: signing in and out, for customers and for the staff (docs/contract/credentials.md#3,
//! docs/contract/credentials.md#4, docs/contract/credentials.md#9, docs/contract/wire.md#7.6).
//!
//! The original signs in by its own pages and by `/api/client`; here, REST has no operation for it. Both APIs accept an
//! access token in place of a key. A session of the staff has the abilities of its role, which is not more than in the
//! original: there, a session of its pages has every ability in REST.

use async_graphql::{Context, Enum, InputObject, Object, SimpleObject};
use facade::guard::{Can, Public};
use facade::outcome::Outcome;
use facade::record::Moment;
use facade::user_error::Refuses;

use crate::access::{
    ACCOUNT_BANNED, AccountKind, Credential, Credentials, INVALID_CREDENTIALS, SECOND_FACTOR_REQUIRED,
    SECOND_FACTOR_WRONG, Tokens,
};
use crate::scope::ShopScope;
use crate::{Error, Result, abilities};

abilities! {}

/// Whose account it is.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum SessionKind {
    /// A customer of the shop.
    Customer,
    /// A member of the shop's staff.
    Staff,
}

/// What somebody signs in with.
#[derive(InputObject)]
pub struct SessionCreateInput {
    /// Whose account it is.
    kind: SessionKind,
    /// Address of the account, in any case.
    email: String,
    /// Its password.
    password: String,
    /// The six digits of the authenticator app, or a recovery code, where the account has a second factor.
    code: Option<String>,
}

/// What a client gets that signed in.
#[derive(SimpleObject)]
pub struct Session {
    /// The bearer text of requests: a JWT.
    access_token: String,
    /// How the access token is sent: `Bearer`.
    token_type: &'static str,
    /// Seconds until the access token ends.
    expires_in: i64,
    /// Gets the next pair of tokens, once.
    refresh_token: String,
    /// When the session ends for good.
    ends_at: Moment,
}

impl From<Tokens> for Session {
    fn from(tokens: Tokens) -> Self {
        Self {
            access_token: tokens.access,
            token_type: "Bearer",
            expires_in: tokens.expires_in,
            refresh_token: tokens.refresh,
            ends_at: Moment(tokens.ends_at),
        }
    }
}

/// Signing in and out.
#[derive(Default)]
pub struct SessionMutation;

#[Object]
impl SessionMutation {
    /// Signs in. A customer's session sees what `viewer` shows; a session of the staff may do what
    /// its role may. Refused with one answer for an unknown address and a wrong password.
    #[graphql(
        directive = Public::apply(),
        directive = Refuses::apply(INVALID_CREDENTIALS),
        directive = Refuses::apply(ACCOUNT_BANNED),
        directive = Refuses::apply(SECOND_FACTOR_REQUIRED),
        directive = Refuses::apply(SECOND_FACTOR_WRONG),
    )]
    async fn session_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What somebody signs in with.")] input: SessionCreateInput,
    ) -> Result<Session> {
        let scope = ShopScope::from(ctx);
        let kind = match input.kind {
            SessionKind::Customer => AccountKind::Customer,
            SessionKind::Staff => AccountKind::Staff,
        };
        let SessionCreateInput { email, password, code, .. } = input;
        let credentials = Credentials { kind, email, password, code };
        let sessions = scope.sessions();
        Ok(sessions.begin(scope.shop(), scope.session_client(), scope.texts(), credentials).await?.into())
    }

    /// Gets the next tokens of a session. A refresh token is good once: a second use ends the session, unless the
    /// same client (address and `User-Agent`) sends it again within ten seconds, as two tabs of a browser do. It then gets the
    /// same refresh token again.
    #[graphql(directive = Public::apply())]
    async fn session_refresh(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The refresh token that came last.")] refresh_token: String,
    ) -> Result<Session> {
        let scope = ShopScope::from(ctx);
        Ok(scope.sessions().refresh(scope.shop(), scope.session_client(), &refresh_token).await?.into())
    }

    /// Signs out: the session of a refresh token ends, its access tokens within a second.
    #[graphql(directive = Public::apply())]
    async fn session_revoke(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A refresh token of the session.")] refresh_token: String,
    ) -> Result<Outcome> {
        let scope = ShopScope::from(ctx);
        scope.sessions().revoke(scope.shop(), &refresh_token).await?;
        Ok(Outcome::new("Session ended"))
    }

    /// Signs out everywhere: all sessions of the account end, this one too. Needs a session: a key that was given to
    /// somebody signs nobody out.
    #[graphql(directive = Can::apply(&[]))]
    async fn session_revoke_all(&self, ctx: &Context<'_>) -> Result<Outcome> {
        let scope = ShopScope::from(ctx);
        let principal = scope.principal()?;
        let Credential::Session(_) = principal.credential else { return Err(Error::Forbidden(Vec::new())) };
        let ended = scope.sessions().revoke_all(scope.shop(), principal.owner).await?;
        Ok(Outcome::new(format!("{ended} sessions ended")))
    }
}
