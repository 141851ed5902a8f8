//! Why nobody is signed in: the codes of user errors in GraphQL.

use facade::user_error::UserErrorCode;

/// The address is unknown or the password is wrong.
pub(crate) const INVALID_CREDENTIALS: UserErrorCode =
    UserErrorCode::new("INVALID_CREDENTIALS", "There is no account with this address and password.");
/// The account is banned.
pub(crate) const ACCOUNT_BANNED: UserErrorCode =
    UserErrorCode::new("ACCOUNT_BANNED", "The account is banned; the message has the reason.");
/// The account has a second factor, and no code was sent.
pub(crate) const SECOND_FACTOR_REQUIRED: UserErrorCode = UserErrorCode::new(
    "SECOND_FACTOR_REQUIRED",
    "The password is right, and the account has a second factor: send `code`, too.",
);
/// The code of the second factor is wrong.
pub(crate) const SECOND_FACTOR_WRONG: UserErrorCode =
    UserErrorCode::new("SECOND_FACTOR_WRONG", "The code of the second factor is wrong, or was used before.");
