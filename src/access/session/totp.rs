//! One-time codes of an authenticator app (RFC 6238; docs/contract/credentials.md#4,
//! docs/contract/decisions.md#second-factor). Each code is accepted once.

use chrono::{DateTime, Utc};
use entity::Id;
use sea_orm::ActiveValue::Set;
use sea_orm::SqlErr;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use totp_rs::{Algorithm, Builder, Secret};

use crate::Result;
use crate::access::Owner;
use crate::database::reader::Reader;

/// Minimum length of a secret that the original accepts, in letters.
const MIN_SECRET_LETTERS: usize = 16;
/// Digits of a code, seconds of a step, and accepted steps before and after the present one.
const DIGITS: u8 = 6;
const STEP: u64 = 30;
const SKEW: u16 = 1;

/// A row of `guichet_totp_steps`: the latest step whose code an account has used.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "guichet_totp_steps")]
pub struct Model {
    /// `customer` or `staff`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_type: String,
    /// Primary key of the customer or the member of the staff.
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_id: Id,
    /// Unix time in seconds, divided by thirty.
    pub step: i64,
}

/// None: accounts are in two tables.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The step of a code, which must be the present one, the one before or the one after. `None` where the code is
/// wrong or the secret is malformed.
pub(super) fn step(secret: &str, code: &str, now: DateTime<Utc>) -> Option<i64> {
    if secret.len() < MIN_SECRET_LETTERS || !secret.len().is_power_of_two() {
        return None;
    }
    let is_code = code.len() == usize::from(DIGITS) && code.bytes().all(|byte| byte.is_ascii_digit());
    let key = Secret::try_from_base32(secret.to_ascii_uppercase()).ok()?;
    let rules = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(DIGITS).with_secret(key);
    // Secrets of sixteen letters are shorter than the RFC requires.
    let totp = rules.with_step_duration(STEP).with_skew(SKEW).build_noncompliant();
    let now = u64::try_from(now.timestamp()).ok()?;
    let step = is_code.then(|| totp.check(code, now)).flatten()?;
    i64::try_from(step).ok()
}

/// Marks the code of a step and all earlier ones as used; returns false if this one was used before.
///
/// # Errors
/// When the database fails.
pub(super) async fn use_up(db: &Reader, owner: Owner, step: i64) -> Result<bool> {
    let (owner_type, owner_id) = owner.parts();
    let raised = Entity::update_many()
        .col_expr(Column::Step, Expr::value(step))
        .filter(Column::OwnerType.eq(owner_type))
        .filter(Column::OwnerId.eq(owner_id))
        .filter(Column::Step.lt(step))
        .exec(db)
        .await?;
    if raised.rows_affected > 0 {
        return Ok(true);
    }
    // If two first codes are sent at the same time, one insertion fails.
    let first =
        ActiveModel { owner_type: Set(owner_type.to_owned()), owner_id: Set(owner_id), step: Set(step) };
    match Entity::insert(first).exec_without_returning(db).await {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `12345678901234567890`, the secret of RFC 6238, appendix B.
    const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    fn moment(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(step(SECRET, code, moment(seconds)), Some(seconds / 30), "{seconds}");
            assert_eq!(step(&SECRET.to_lowercase(), code, moment(seconds)), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn one_step_before_and_after_count() {
        for (seconds, right) in [(29, true), (89, true), (59, true), (90, false), (120, false)] {
            assert_eq!(step(SECRET, "287082", moment(seconds)).is_some(), right, "{seconds}");
        }
    }

    #[test]
    fn what_is_no_code_fits_nothing() {
        for code in ["", "28708", "0287082", "287 082", " 287082", "+87082", "２８７０８２"] {
            assert_eq!(step(SECRET, code, moment(59)), None, "{code}");
        }
    }

    #[test]
    fn malformed_secrets_fit_nothing() {
        for secret in ["", "GEZDGNBV", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1", "GEZDGNBVGY3TQOJQGEZDGNB"] {
            assert_eq!(step(secret, "287082", moment(59)), None, "{secret}");
        }
    }

    proptest! {
        #[test]
        fn a_secret_fits_its_own_codes_only(key in any::<[u8; 20]>(), seconds in 0..u32::MAX) {
            let secret = Secret::from(key).to_base32();
            let totp = Builder::new().with_secret(key).with_step_duration(STEP).build_noncompliant();
            let (own, now) = (totp.generate(seconds.into()).to_string(), moment(seconds.into()));
            prop_assert_eq!(step(&secret, &own, now), Some(i64::from(seconds / 30)));
            prop_assert_eq!(step(&secret, &own[1..], now), None);
        }

        #[test]
        fn any_text_is_a_code_or_none(secret in "[A-Za-z2-7]{16}|\\PC{0,40}", code in r"[0-9]{6}|\PC*", seconds in 0..u32::MAX) {
            step(&secret, &code, moment(seconds.into()));
        }
    }
}
