//! Compares documents that answer files with the schema.

use async_graphql::registry::Registry;

use super::{Answer, Document, DocumentError, OperationType, Unchecked, fail, single};
use crate::rest::file::{FileResponse, is_media_range};

/// The status of a whole file.
const OK: u16 = 200;

/// Checks that files are root fields and not in lists: documents can answer no others.
pub(in crate::rest) fn check_files(registry: &Registry) -> Result<(), DocumentError> {
    let is_root = |ty: &str| ty == registry.query_type || registry.mutation_type.as_deref() == Some(ty);
    for (name, ty) in &registry.types {
        let mut files = ty
            .fields()
            .into_iter()
            .flatten()
            .map(|(_, field)| field)
            .filter(|field| FileResponse::is_in(field));
        if let Some(field) = files.find(|field| !is_root(name) || !FileResponse::is_type_of(field)) {
            return Err(fail(
                "(all)",
                format!("`{}` of {name} is a file, but no root field of its own", field.name),
            ));
        }
    }
    Ok(())
}

impl Document<Unchecked> {
    /// `answer: FILE` needs a root field that is a file and `type`, and the other way round.
    pub(super) fn check_file(&self, registry: &Registry) -> Result<(), DocumentError> {
        let ty = self.root_type(registry);
        let mut fields = self.roots().filter_map(|root| ty?.field_by_name(&root.name.node));
        let is_answer = self.answer == Answer::File;
        if let Some(field) = fields.find(|field| FileResponse::is_type_of(field) != is_answer) {
            let name = &field.name;
            return Err(self.fail(match is_answer {
                true => format!("`answer: FILE`, but root field `{name}` is no file"),
                false => format!("root field `{name}` is a file, which needs `answer: FILE`"),
            }));
        }
        if is_answer == self.types.is_empty() {
            return Err(self.fail("`answer: FILE` and `type` need each other"));
        }
        if let Some(text) = self.types.iter().find(|text| !is_media_range(text)) {
            return Err(self.fail(format!("`{text}` is no media type")));
        }
        if is_answer && (self.status != OK || self.message.is_some() || !self.beside.is_empty()) {
            return Err(self.fail("a file is answered with status 200, and nothing beside it"));
        }
        let mutates =
            single(&self.state.document).is_some_and(|operation| operation.ty == OperationType::Mutation);
        // A client may request a file in several parts.
        if is_answer && mutates && self.routes.iter().any(|route| route.method == "GET") {
            return Err(self.fail("a `GET` that changes something answers no file"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{Object, OutputType, SimpleObject};

    use super::*;

    /// A folder.
    #[derive(SimpleObject)]
    struct Folder {
        cover: FileResponse,
    }

    fn file() -> FileResponse {
        FileResponse::of_bytes("text/plain", "")
    }

    struct BelowRoot;

    #[Object]
    impl BelowRoot {
        async fn folder(&self) -> Folder {
            Folder { cover: file() }
        }
    }

    struct FileList;

    #[Object]
    impl FileList {
        async fn files(&self) -> Vec<FileResponse> {
            vec![file()]
        }
    }

    struct RootField;

    #[Object]
    impl RootField {
        async fn file(&self) -> Option<FileResponse> {
            Some(file())
        }
    }

    fn checked<Q: OutputType>() -> Result<(), String> {
        let query_type = Q::type_name().into_owned();
        let mut registry = Registry { query_type, ..Registry::default() };
        Q::create_type_info(&mut registry);
        check_files(&registry).map_err(|error| error.to_string())
    }

    #[test]
    fn files_are_root_fields() {
        assert_eq!(checked::<RootField>(), Ok(()));
        let refused =
            |field| Err(format!("REST document `(all)`: {field} is a file, but no root field of its own"));
        assert_eq!(checked::<BelowRoot>(), refused("`cover` of Folder"));
        assert_eq!(checked::<FileList>(), refused("`files` of FileList"));
    }
}
