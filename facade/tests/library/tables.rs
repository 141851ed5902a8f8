// The tables of the library and its abilities. `docs/reference.md` includes this file in its examples: so it begins with
// no `//!`, and names everything by its whole path.

pub mod author {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "authors")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: value::Id,
        pub name: String,
        pub deleted_at: Option<value::ShopTime>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod book {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "books")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: value::Id,
        pub title: String,
        /// How often it was lent.
        pub loans: value::Int,
        pub signature: String,
        #[sea_orm(column_type = "Timestamp")]
        pub printed_at: Option<value::ShopTime>,
        /// Facts about it, JSON.
        pub facts: Option<String>,
        /// What it cost, in cents.
        pub cost: value::Int,
        /// Number on the shelf where it stands.
        pub shelf_number: Option<value::Int>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod book_author {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "book_authors")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: value::Id,
        pub book_id: value::Id,
        pub author_id: value::Id,
        pub role: Option<String>,
        pub is_first: value::Flag,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod shelf {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "shelves")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: value::Id,
        /// The number that stands on it.
        pub number: Option<value::Int>,
        pub name: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod loan {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "loans")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: value::Id,
        pub book_id: value::Id,
        pub days: value::Int,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub const READ: facade::Ability = facade::Ability::new("books:read");
pub const WRITE: facade::Ability = facade::Ability::new("books:write");
/// The key does not have it.
pub const AUDIT: facade::Ability = facade::Ability::new("books:audit");
