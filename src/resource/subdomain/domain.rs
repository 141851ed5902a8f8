//! How domains are written: REST puts a dot before each (docs/contract/application-operations.md#D1).

use facade::record::{CustomRendering, Rendering};
use facade::{Api, write_str};

/// The stored text, in REST with a dot before it.
pub struct Domain;

impl CustomRendering for Domain {
    fn rendering() -> Rendering {
        Rendering {
            json: |cell, api, out| match (cell.text().unwrap_or_default(), api) {
                (bare, Api::Rest(_)) if !bare.starts_with('.') => write_str(&format!(".{bare}"), out),
                (written, _) => write_str(written, out),
            },
            ..Rendering::TEXT
        }
    }
}
