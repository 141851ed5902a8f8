//! Departments of the helpdesk.

use entity::support_department;
use entity::value::Int;
use sea_orm::{ConnectionTrait, Set};

use crate::shop::sample::Failure;
use crate::shop::sample::batch::insert;
use crate::shop::sample::demo::{DemoContext, Maker};

/// Makes the departments. It throws the dice after the sales.
pub const MAKER: Maker = Maker { after: &["service"], make: |db, making| Box::pin(make(db, making)) };

/// Name, description, icon, minutes to the first answer and to the solution.
type Department = (String, String, String, Option<i64>, Option<i64>);

async fn make(db: &impl ConnectionTrait, making: &mut DemoContext) -> Result<(), Failure> {
    let departments: Vec<Department> = serde_json::from_str(include_str!("demo.json"))?;
    let made = Some(making.ago(430));
    let rows = departments.into_iter().map(|(name, description, icon, first, solution)| {
        support_department::ActiveModel {
            name: Set(name),
            description: Set(Some(description)),
            icon: Set(Some(icon)),
            sla_first_response_minutes: Set(first.map(Int)),
            sla_resolution_minutes: Set(solution.map(Int)),
            created_at: Set(made),
            updated_at: Set(made),
            ..Default::default()
        }
    });
    insert(db, rows.collect()).await?;
    Ok(())
}
