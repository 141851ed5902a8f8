//! Opening the database.
