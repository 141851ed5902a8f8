//! The XML Schema that is made from an OpenAPI document: each construct by itself. Whether documents are valid by it is tried by
//! `xmllint` in CI (`tests/contracts/validate-xml`).

use facade::rest::XmlSchema;
use serde_json::{Value as Json, json};

fn schema(components: &Json) -> XmlSchema {
    XmlSchema::new(&json!({"components": {"schemas": components}})).unwrap()
}

fn text(schema: &XmlSchema, root: Option<&str>) -> String {
    String::from_utf8(schema.with_root(root).unwrap().concat()).unwrap()
}

/// The definition of a type, without its indentation.
fn ty(text: &str, name: &str) -> String {
    let start = format!("Type name=\"{name}\"");
    let lines = text.lines().skip_while(|line| !line.starts_with("  <xs:") || !line.contains(&start));
    let end = lines.clone().position(|line| line.starts_with("  </xs:"));
    lines.take(end.unwrap_or_else(|| panic!("no {name} in {text}")) + 1).map(str::trim_start).collect()
}

/// The definition of the type `Thing` with this schema, and the text of all types.
fn thing(schema_of_thing: Json) -> (String, String) {
    let all = text(&schema(&json!({"Thing": schema_of_thing})), None);
    (ty(&all, "Thing"), all)
}

/// The element of a required key whose value has this schema, and the text of all types.
fn element(value: Json) -> (String, String) {
    let (thing, all) = thing(json!({"type": "object", "required": ["key"], "properties": {"key": value}}));
    let content = thing.strip_prefix("<xs:complexType name=\"Thing\"><xs:all>");
    let content = content.and_then(|content| content.strip_suffix("</xs:all></xs:complexType>"));
    (content.unwrap_or_else(|| panic!("{thing}")).to_owned(), all)
}

#[test]
fn the_root_has_any_type_or_the_one_that_was_asked_for() {
    let schema =
        schema(&json!({"Book": {"type": "object", "properties": {"a": {"type": "string"}}}, "Shelf": {}}));
    let loose = text(&schema, None);
    let start = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\">\n";
    assert!(loose.starts_with(start), "{loose}");
    assert!(loose.contains("<xs:element name=\"response\" type=\"Anything\"/>"), "{loose}");
    let strict = text(&schema, Some("Book"));
    assert!(strict.contains("<xs:element name=\"response\" type=\"Book\"/>"), "{strict}");
    let unknown = |name| schema.with_root(Some(name)).unwrap_err().to_string();
    assert_eq!(
        unknown("Bok"),
        "The OpenAPI document has no component \"Bok\" below `components.schemas`. Did you mean \"Book\"?"
    );
    assert!(!unknown("Anything").contains("Did you mean"));
    assert!(XmlSchema::new(&json!({})).unwrap().with_root(None).is_ok());
}

#[test]
fn objects_have_their_elements_in_any_order() {
    let (thing, _) = thing(json!({
        "type": "object",
        "description": "A thing &\n  more.",
        "required": ["id"],
        "properties": {
            "id": {"type": "integer", "description": "Its number."},
            "when": {"type": "string", "format": "date-time", "maxLength": 32},
            "flag": {"type": "boolean"}
        }
    }));
    assert_eq!(
        thing,
        "<xs:complexType name=\"Thing\">\
         <xs:annotation><xs:documentation>A thing &amp; more.</xs:documentation></xs:annotation>\
         <xs:all>\
         <xs:element name=\"id\" type=\"xs:long\">\
         <xs:annotation><xs:documentation>Its number.</xs:documentation></xs:annotation>\
         </xs:element>\
         <xs:element name=\"when\" minOccurs=\"0\" type=\"xs:dateTime\"/>\
         <xs:element name=\"flag\" minOccurs=\"0\" type=\"xs:boolean\"/>\
         </xs:all></xs:complexType>"
    );
}

#[test]
fn limits_are_facets_of_named_types() {
    for (value, name, facets) in [
        (
            json!({"type": "string", "minLength": 2, "maxLength": 9}),
            "TextFrom2To9",
            "xs:string\"><xs:minLength value=\"2\"/><xs:maxLength value=\"9\"/>",
        ),
        (
            json!({"type": "integer", "minimum": 0}),
            "IntegerFrom0",
            "xs:long\"><xs:minInclusive value=\"0\"/>",
        ),
        (
            json!({"type": "number", "minimum": -1, "maximum": 0.5}),
            "NumberFrom-1To0.5",
            "xs:double\"><xs:minInclusive value=\"-1\"/><xs:maxInclusive value=\"0.5\"/>",
        ),
        (
            json!({"type": "string", "enum": ["a", "b<"]}),
            "ThingKey",
            "xs:string\"><xs:enumeration value=\"a\"/><xs:enumeration value=\"b&lt;\"/>",
        ),
    ] {
        let (element, all) = element(value);
        assert_eq!(element, format!("<xs:element name=\"key\" type=\"{name}\"/>"));
        let wanted = format!(
            "<xs:simpleType name=\"{name}\"><xs:restriction base=\"{facets}</xs:restriction></xs:simpleType>"
        );
        assert_eq!(ty(&all, name), wanted);
    }
}

#[test]
fn limits_that_every_value_keeps_are_left_out() {
    for (value, name) in [
        (json!({"type": "integer", "minimum": i64::MIN, "maximum": i64::MAX}), "xs:long"),
        (json!({"type": "string", "minLength": 0, "maxLength": 16_777_215}), "xs:string"),
    ] {
        assert_eq!(element(value).0, format!("<xs:element name=\"key\" type=\"{name}\"/>"));
    }
}

#[test]
fn null_is_an_empty_element_with_an_attribute() {
    let nil = "<xs:attribute name=\"nil\" type=\"xs:boolean\"/>";
    let (element_of_number, all) = element(json!({"type": ["integer", "null"], "minimum": 1}));
    assert_eq!(element_of_number, "<xs:element name=\"key\" type=\"IntegerFrom1OrNil\"/>");
    assert_eq!(
        ty(&all, "IntegerFrom1OrNil"),
        format!(
            "<xs:complexType name=\"IntegerFrom1OrNil\"><xs:simpleContent><xs:extension base=\"IntegerFrom1OrEmpty\">{nil}</xs:extension></xs:simpleContent></xs:complexType>"
        )
    );
    assert_eq!(
        ty(&all, "IntegerFrom1OrEmpty"),
        "<xs:simpleType name=\"IntegerFrom1OrEmpty\"><xs:union memberTypes=\"IntegerFrom1 Empty\"/></xs:simpleType>"
    );
    assert!(ty(&all, "Empty").contains("<xs:length value=\"0\"/>"));
    // A text may be empty already.
    let (_, all) = element(json!({"type": ["string", "null"], "maxLength": 5}));
    assert!(ty(&all, "TextTo5OrNil").contains("<xs:extension base=\"TextTo5\">"), "{all}");
    assert!(!all.contains("OrEmpty"), "{all}");
}

#[test]
fn null_beside_a_component_is_a_type_of_its_own() {
    let nullable =
        |name: &str| json!({"anyOf": [{"$ref": format!("#/components/schemas/{name}")}, {"type": "null"}]});
    let all = text(
        &schema(&json!({
            "Book": {
                "type": "object",
                "required": ["title", "next", "state"],
                "properties": {"title": {"type": "string"}, "next": nullable("Book"), "state": nullable("State")}
            },
            "State": {"type": "string", "enum": ["new"]}
        })),
        None,
    );
    let elements = "<xs:element name=\"title\" type=\"xs:string\"/><xs:element name=\"next\" type=\"BookOrNil\"/><xs:element name=\"state\" type=\"StateOrNil\"/>";
    assert_eq!(
        ty(&all, "Book"),
        format!("<xs:complexType name=\"Book\"><xs:all>{elements}</xs:all></xs:complexType>")
    );
    // All of its elements, or none.
    assert_eq!(
        ty(&all, "BookOrNil"),
        format!(
            "<xs:complexType name=\"BookOrNil\"><xs:all minOccurs=\"0\">{elements}</xs:all><xs:attribute name=\"nil\" type=\"xs:boolean\"/></xs:complexType>"
        )
    );
    assert!(ty(&all, "StateOrEmpty").contains("memberTypes=\"State Empty\""), "{all}");
}

#[test]
fn lists_hold_items() {
    let item = |occurs: &str| {
        format!(
            "<xs:element name=\"key\"><xs:complexType><xs:sequence><xs:element name=\"item\" {occurs} type=\"xs:string\"/></xs:sequence>"
        )
    };
    let list = |least: u32, most: u32, ty: Json| {
        element(json!({"type": ty, "items": {"type": "string"}, "minItems": least, "maxItems": most})).0
    };
    let end = "</xs:complexType></xs:element>";
    assert_eq!(list(1, 5, json!("array")), item("minOccurs=\"1\" maxOccurs=\"5\"") + end);
    // Validators would make a state of each item.
    assert_eq!(list(0, 1000, json!("array")), item("minOccurs=\"0\" maxOccurs=\"unbounded\"") + end);
    let nil = "<xs:attribute name=\"nil\" type=\"xs:boolean\"/>";
    let nullable = list(1, 5, json!(["array", "null"]));
    assert_eq!(nullable, item("minOccurs=\"0\" maxOccurs=\"5\"") + nil + end);
}

#[test]
fn parts_of_an_object_become_one_type() {
    let all = text(
        &schema(&json!({
            "Page": {"type": "object", "required": ["total"], "properties": {"total": {"type": "integer"}}},
            "BookPage": {"allOf": [
                {"$ref": "#/components/schemas/Page"},
                {"type": "object", "required": ["data"], "properties": {"data": {"type": "array", "items": {"type": "integer"}}}}
            ]}
        })),
        Some("BookPage"),
    );
    let page = ty(&all, "BookPage");
    assert!(
        page.contains("<xs:element name=\"total\" type=\"xs:long\"/><xs:element name=\"data\">"),
        "{page}"
    );
}

#[test]
fn what_xsd_cannot_say_may_hold_any_elements() {
    let any = "<xs:sequence><xs:any minOccurs=\"0\" maxOccurs=\"unbounded\" processContents=\"skip\"/></xs:sequence><xs:attribute name=\"nil\" type=\"xs:boolean\"/></xs:complexType>";
    for (value, name) in [
        (json!({}), "Anything"),
        (json!({"anyOf": [{"type": "integer"}, {"type": "array", "items": {}}]}), "Anything"),
        (json!({"type": ["integer", "string"]}), "Anything"),
        (json!({"type": "object", "additionalProperties": {"type": "string"}}), "Map"),
        // Its element would be `<entry key="a b">`.
        (json!({"type": "object", "properties": {"a b": {"type": "string"}}}), "Map"),
    ] {
        let (element, all) = element(value);
        assert_eq!(element, format!("<xs:element name=\"key\" type=\"{name}\"/>"));
        let mixed = if name == "Anything" { " mixed=\"true\"" } else { "" };
        assert_eq!(ty(&all, name), format!("<xs:complexType name=\"{name}\"{mixed}>{any}"));
    }
}

#[test]
fn own_types_give_way_to_components() {
    let all = text(
        &schema(&json!({
            "Map": {"type": "string", "enum": ["world"]},
            "Thing": {"type": "object", "properties": {"key": {"type": "object"}, "map": {"$ref": "#/components/schemas/Map"}}},
            "Loop": {"$ref": "#/components/schemas/Loop"}
        })),
        None,
    );
    assert!(ty(&all, "Map").contains("world"));
    assert!(ty(&all, "Thing").contains("name=\"key\" minOccurs=\"0\" type=\"Map_\""), "{all}");
    assert!(ty(&all, "Loop").contains("xs:any"));
}
