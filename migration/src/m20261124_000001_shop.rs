//! Creates the shop as version 2.16 of the original has it.

use sea_orm_migration::prelude::*;

use crate::{ddl, shop};

#[derive(DeriveMigrationName)]
pub(crate) struct Shop;

#[async_trait::async_trait]
impl MigrationTrait for Shop {
    /// Tables that are there are left as they are: on the database of a running shop this only notes that it
    /// is done.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        for statement in shop().iter().flat_map(|table| ddl::create(backend, table)) {
            manager.get_connection().execute_unprepared(&statement).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        for table in shop().iter().rev() {
            manager.get_connection().execute_unprepared(&ddl::drop(backend, table)).await?;
        }
        Ok(())
    }
}
