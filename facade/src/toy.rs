//! Tables of a small library, for the engine's own tests.

/// Books.
pub(crate) mod book {
    use sea_orm::entity::prelude::*;
    use value::{Id, ShopTime};

    /// A book.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "books")]
    pub struct Model {
        /// Primary key.
        #[sea_orm(primary_key)]
        pub id: Id,
        /// Primary key of its author.
        pub author_id: Id,
        /// Title.
        pub title: String,
        /// When it was bought.
        #[sea_orm(column_type = "Timestamp")]
        pub bought_at: Option<ShopTime>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

crate::record! {
    /// A book.
    pub(crate) struct Book(crate::toy::book);
    columns {
        /// Title.
        title,
    }
}
