//! Forms with the shop's texts: a form, a database in memory, messages.

use async_graphql::async_trait::async_trait;
use async_graphql::{
    Context, EmptySubscription, Enum, InputObject, InputType, MaybeUndefined, Object, Request, Schema,
    UploadValue, ValidationMode, Value, Variables, value,
};
use bytes::Bytes;
use chrono::{NaiveDateTime, Utc};
use facade::engine::{Settings, Texts};
use facade::form::{BROKEN_UPLOAD, CheckScope, File, Form, FormInput};
use facade::{Error, form};
use guichet::platform::lang::Lang;
use guichet::resource::customer::rule::{country, locale, no_plus, phone, postcode};
use guichet::resource::dictionaries;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};

#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Active,
    VeryHidden,
}

#[derive(InputObject, Debug, PartialEq)]
struct Price {
    monthly: Option<f64>,
}

form! {
    /// What a thing is made from.
    struct ThingInput {
        /// Name of the thing.
        name: String => [required(), string(), max(5)],
        status: Status => [string(), one_of(&["active", "very_hidden"])],
        group_id: i64 => [integer(), exists("groups", "id")],
        stock: i32 => [integer()],
        price: f64 => [nullable(), numeric(), min(0), max(9999999999)],
        pinned: bool => [flag()],
        verified: bool => [nullable(), boolean()],
        remove_image: bool => [nullable(), string(), one_of(&["true", "false"])],
        slug: String => [slugified(), max(255), unique("groups", "slug")],
        products: Vec<i64> => [array(), each([integer(), exists("groups", "id")])],
        words: Vec<String> => [array(), each([string(), max(3)])],
        image: File => [nullable(), image(), mimes(&["png", "gif"]), max(1)],
        pricing: Price => [nullable(), array()],
        start_at: NaiveDateTime => [nullable(), date()],
        end_at: NaiveDateTime => [nullable(), date(), after("start_at")],
        email: String => [nullable(), string(), lowercase(), email(), max(255), no_plus()],
        zipcode: String => [string(), postcode()],
        country: String => [string(), country()],
        locale: String => [string(), locale()],
        phone: String => [nullable(), max(30), phone(), unique("groups", "slug")],
        password: String => [nullable(), string(), min(8), confirmed()],
        parent_id: i64 => [none_is_null(), nullable(), integer(), exists("groups", "id")],
        r#type: String => [sometimes(), accepted()],
        max_pair: Vec<i64> => [nullable(), array(), max(5)],
        min_first: String => [min(5), string()],
        notes: String => [required_if_null("pricing"), nullable(), string()],
    }
}

/// A shop whose settings are those of a new one.
struct NothingSet;

#[async_trait]
impl Settings for NothingSet {
    async fn setting(&self, _: &str) -> facade::Result<Option<String>> {
        Ok(None)
    }
}

/// A shop that allows no `+` in addresses.
struct NoPlusAllowed;

#[async_trait]
impl Settings for NoPlusAllowed {
    async fn setting(&self, name: &str) -> facade::Result<Option<String>> {
        Ok((name == "allow_plus_in_email").then(|| "false".to_owned()))
    }
}

async fn groups() -> DatabaseConnection {
    let db = Database::connect("sqlite::memory:").await.unwrap();
    for statement in [
        "CREATE TABLE groups (id BIGINT PRIMARY KEY, slug TEXT)",
        "INSERT INTO groups VALUES (1, 'vps'), (2, 'web')",
    ] {
        db.execute_unprepared(statement).await.unwrap();
    }
    db
}

fn texts(lang: Lang) -> &'static dyn Texts {
    dictionaries().unwrap().of(lang)
}

fn form(input: Value) -> Form<ThingInput> {
    InputType::parse(Some(input)).ok().unwrap()
}

/// Runs a check over REST input that has the required name unless it is given.
async fn run(input: Value, change: impl FnOnce(&mut CheckScope<'_>)) -> Result<ThingInput, Error> {
    let Value::Object(mut fields) = input else { panic!() };
    fields.entry(async_graphql::Name::new("name")).or_insert(value!("x"));
    let db = groups().await;
    let mut scope = CheckScope {
        host: &db,
        texts: texts(Lang::En),
        settings: &NothingSet,
        now: Utc::now(),
        uploads: &[],
        own_id: None,
        partial: false,
        rest: true,
        stored: &[],
    };
    change(&mut scope);
    form(Value::Object(fields)).check(&scope).await
}

async fn passes(input: Value) -> ThingInput {
    match run(input.clone(), |_| {}).await {
        Ok(thing) => thing,
        Err(error) => panic!("{input}: {error}"),
    }
}

/// `field: rule, rule; field: rule` of the messages, by the words that tell them apart.
async fn errors(input: Value) -> String {
    errors_in(input, |_| {}).await
}

async fn errors_in(input: Value, change: impl FnOnce(&mut CheckScope<'_>)) -> String {
    let Err(Error::Invalid(invalid)) = run(input.clone(), change).await else { panic!("{input} passed") };
    let lines: Vec<_> =
        invalid.messages().iter().map(|(field, list)| format!("{field}: {}", list.join(" "))).collect();
    lines.join("; ")
}

#[tokio::test]
async fn json_and_form_texts_give_the_same_typed_values() {
    for input in [
        value!({"group_id": 1, "stock": -3, "price": 9.5, "verified": true, "pinned": true, "status": "very_hidden",
            "remove_image": "true", "products": [1, 2], "pricing": {"monthly": 1.5}, "parent_id": 2}),
        value!({"group_id": "1", "stock": "-3", "price": " 9.5 ", "verified": "1", "pinned": "true",
            "status": "very_hidden", "remove_image": "true", "products": {"a": "1", "b": 2.0},
            "pricing": {"monthly": 1.5}, "parent_id": 2.0}),
    ] {
        let thing = passes(input).await;
        assert_eq!(thing.group_id, MaybeUndefined::Value(1));
        assert_eq!(thing.stock, MaybeUndefined::Value(-3));
        assert_eq!(thing.price, MaybeUndefined::Value(9.5));
        assert_eq!(thing.verified, MaybeUndefined::Value(true));
        assert_eq!(thing.pinned, MaybeUndefined::Value(true));
        assert_eq!(thing.status, MaybeUndefined::Value(Status::VeryHidden));
        assert_eq!(thing.remove_image, MaybeUndefined::Value(true));
        assert_eq!(thing.products, MaybeUndefined::Value(vec![1, 2]));
        assert_eq!(thing.pricing, MaybeUndefined::Value(Price { monthly: Some(1.5) }));
        assert_eq!(thing.parent_id, MaybeUndefined::Value(2));
        assert_eq!(thing.slug, MaybeUndefined::Undefined);
    }
}

#[tokio::test]
async fn rewriting_rules() {
    let thing = passes(value!({"pinned": "false", "parent_id": "none", "slug": "Nouveau Groupe é!"})).await;
    assert_eq!(thing.pinned, MaybeUndefined::Value(false));
    assert_eq!(thing.parent_id, MaybeUndefined::Null);
    assert_eq!(thing.slug, MaybeUndefined::Value("nouveau-groupe-e".to_owned()));
}

#[tokio::test]
async fn messages_of_sizes_follow_rules_and_values() {
    let cases = [
        (
            value!({"name": 123456}),
            "name: The name field must be a string. The text in name cannot contain more than 5 characters.",
        ),
        (value!({"name": ["a"]}), "name: The name field must be a string."),
        (value!({"name": []}), "name: The name field is required."),
        (value!({"name": {}}), "name: The name field is required."),
        (value!({"name": null}), "name: The name field is required."),
        (value!({"name": false}), "name: The name field must be a string."),
        (
            value!({"min_first": 1234}),
            "min_first: The text in min first must contain at least 5 characters. The min first field must be a string.",
        ),
        (value!({"price": "abc"}), "price: The price field must contain a number."),
        (value!({"price": -1}), "price: The value of price must be greater than or equal to 0."),
        (value!({"price": "10000000000"}), "price: The value of price cannot be greater than 9999999999."),
        (
            value!({"max_pair": "abcdef"}),
            "max_pair: The max pair field must be a table. The max pair array cannot contain more than 5 items.",
        ),
        (value!({"stock": 4294967296_i64}), "stock: The stock field must be an integer."),
        (value!({"stock": null}), "stock: The stock field must be an integer."),
        (value!({"status": "ACTIVE"}), "status: The status field is invalid."),
        (
            value!({"remove_image": true}),
            "remove_image: The remove image field must be a string. The remove image field is invalid.",
        ),
        (value!({"type": "no"}), "type: The type field must be accepted."),
        (value!({"pricing": "x"}), "pricing: The pricing field must be a table."),
        (value!({"pricing": {"monthly": []}}), "pricing: The pricing field is invalid."),
        (value!({"max_pair": ["x"]}), "max_pair: The max pair field must be a table."),
    ];
    for (input, expected) in cases {
        assert_eq!(errors(input).await, expected);
    }
}

#[tokio::test]
async fn every_broken_rule_of_every_field_in_order() {
    let input = value!({"locale": "xx", "name": null, "group_id": 99, "products": [1, "x", 77], "country": "XX",
        "zipcode": "ABC", "email": ["a"], "start_at": "2024-02-30", "end_at": "2024-01-01", "password": "short"});
    let Err(error) = run(input, |scope| scope.texts = texts(Lang::Fr)).await else { panic!() };
    assert_eq!(
        error.body(texts(Lang::Fr)),
        serde_json::json!({
            "message": "Le champ nom est obligatoire. (and 11 more errors)",
            "errors": {
                "name": ["Le champ nom est obligatoire."],
                "group_id": ["Le champ group id sélectionné est invalide."],
                "products.1": ["Le champ products.1 doit être un entier."],
                "products.2": ["Le champ products.2 sélectionné est invalide."],
                "start_at": ["Le champ start at n'est pas une date valide."],
                "email": [
                    "Le champ adresse e-mail doit être une chaîne de caractères.",
                    "Le champ adresse e-mail doit être en minuscules.",
                    "Le champ adresse e-mail doit être une adresse e-mail valide."
                ],
                "country": ["Le champ pays est invalide."],
                "locale": ["Le champ locale est invalide."],
                "password": [
                    "Le texte de mot de passe doit contenir au moins 8 caractères.",
                    "Le champ de confirmation mot de passe ne correspond pas."
                ],
            }
        })
    );
}

#[tokio::test]
async fn rules_that_look_at_other_fields() {
    let short = value!({"zipcode": "1000"});
    assert_eq!(errors(short.clone()).await, "zipcode: The zipcode is not a valid zip code.");
    assert!(run(short, |scope| scope.stored = &[("country", "BE")]).await.is_ok());
    assert!(run(value!({"zipcode": "1000", "country": "BE"}), |_| {}).await.is_ok());
    assert!(
        run(value!({"password": "longenough", "password_confirmation": "longenough"}), |_| {}).await.is_ok()
    );
    let notes = "notes: The notes field is required when the value of pricing is empty.";
    assert_eq!(errors(value!({"pricing": null})).await, notes);
    assert!(run(value!({"pricing": null, "notes": "x"}), |_| {}).await.is_ok());
    assert!(run(value!({"pricing": []}), |_| {}).await.is_ok());
    let dates = value!({"start_at": "2026-12-01", "end_at": "2026-12-01"});
    assert_eq!(errors(dates).await, "end_at: The end at field must be a date after start at.");
    let thing = passes(value!({"end_at": "12/31/2024 10:00"})).await;
    assert_eq!(thing.end_at.value().unwrap().to_string(), "2024-12-31 10:00:00");
    let plus = value!({"email": "a+b@c.fr"});
    assert!(run(plus.clone(), |_| {}).await.is_ok());
    let strict = run(plus, |scope| scope.settings = &NoPlusAllowed).await;
    assert!(
        strict.is_err_and(
            |error| error.to_string() == "The Email address must not contain the character \"+\"."
        )
    );
}

#[tokio::test]
async fn database_rules() {
    assert_eq!(errors(value!({"slug": "VPS"})).await, "slug: The value of the slug field is already in use.");
    assert!(run(value!({"slug": "vps"}), |scope| scope.own_id = Some(1)).await.is_ok());
    assert!(run(value!({"slug": "vps"}), |scope| scope.own_id = Some(2)).await.is_err());
    for id in [value!(99), value!("9223372036854775807"), value!(-1)] {
        let message = "group_id: The selected group id field is invalid.";
        assert_eq!(errors(value!({"group_id": id})).await, message);
    }
    let phone = value!({"phone": "123"});
    assert_eq!(errors(phone).await, "phone: The telephone field must be a valid phone number.");
    let thing = passes(value!({"phone": 612345678})).await;
    assert_eq!(thing.phone, MaybeUndefined::Value("612345678".to_owned()));
}

#[tokio::test]
async fn partial_updates_may_leave_required_fields_out() {
    let db = groups().await;
    let scope = CheckScope {
        host: &db,
        texts: texts(Lang::Fr),
        settings: &NothingSet,
        now: Utc::now(),
        uploads: &[],
        own_id: None,
        partial: true,
        rest: true,
        stored: &[],
    };
    assert!(form(value!({})).check(&scope).await.is_ok());
    assert!(form(value!({"name": null})).check(&scope).await.is_err());
    assert!(form(value!("text")).check(&CheckScope { partial: false, ..scope }).await.is_err());
}

#[tokio::test]
async fn uploads() {
    const GIF: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";
    let file = |name: &str, content: &'static [u8]| UploadValue {
        filename: name.to_owned(),
        content_type: None,
        content: Bytes::from_static(content),
    };
    let files: &'static [UploadValue] = Box::leak(Box::new([
        file("a.gif", GIF),
        file("note.txt", b"hello"),
        file("a.phar", GIF),
        file("big.gif", Box::leak([GIF, &[0; 2000]].concat().into_boxed_slice())),
    ]));
    let thing = run(value!({"image": "#__graphql_file__:0"}), |scope| scope.uploads = files).await;
    let Ok(ThingInput { image: MaybeUndefined::Value(image), .. }) = thing else { panic!() };
    assert_eq!((image.name.as_str(), &*image.bytes, image.extension()), ("a.gif", GIF, Some("gif")));
    let bad = "The image field must be an image. The image field must be a file of type: png, gif.";
    let no_file = &format!("{bad} The text in image cannot contain more than 1 characters.");
    for (sent, message) in [
        ("#__graphql_file__:1", bad),
        ("#__graphql_file__:2", bad),
        ("#__graphql_file__:9", no_file),
        ("#__graphql_file__:-1", no_file),
        ("text", no_file),
        ("#__graphql_file__:3", "The file size of image cannot exceed 1 kilobytes."),
        (BROKEN_UPLOAD, "The file in the image field could not be uploaded."),
    ] {
        let input = value!({"image": sent});
        let said = errors_in(input, |scope| scope.uploads = files).await;
        assert_eq!(said, format!("image: {message}"), "{sent}");
    }
    let name = value!({"name": "#__graphql_file__:0"});
    assert_eq!(
        errors_in(name, |scope| scope.uploads = files).await,
        "name: The name field must be a string."
    );
}

#[tokio::test]
async fn odd_input_is_refused_and_never_panics() {
    let mut deep = value!("x");
    for _ in 0..200 {
        deep = Value::List(vec![deep]);
    }
    let odd = [
        value!(null),
        value!(true),
        value!(1e300),
        value!(-1.5),
        value!("NaN"),
        value!("1e999"),
        value!("9".repeat(400)),
        value!([]),
        value!({}),
        value!([null]),
        value!({"a": {"b": []}}),
        value!("\u{0}"),
        value!("é\u{301}🦀"),
        deep,
        value!("#__graphql_file__:99999999999999999999"),
    ];
    for value in odd {
        for name in <ThingInput as FormInput>::definition().names() {
            let input =
                Value::Object([(async_graphql::Name::new(name), value.clone())].into_iter().collect());
            match run(input, |_| {}).await {
                Ok(_) | Err(Error::Invalid(_)) => {}
                Err(error) => panic!("{name} {value}: {error:?}"),
            }
        }
    }
}

struct Query;

#[Object]
impl Query {
    async fn nothing(&self) -> bool {
        true
    }
}

struct Mutation;

#[Object]
impl Mutation {
    async fn thing(&self, ctx: &Context<'_>, input: Form<ThingInput>) -> Result<String, Error> {
        let scope = CheckScope {
            host: ctx.data_unchecked::<DatabaseConnection>(),
            texts: texts(Lang::En),
            settings: &NothingSet,
            now: Utc::now(),
            uploads: &ctx.query_env.uploads,
            own_id: None,
            partial: false,
            rest: *ctx.data_unchecked(),
            stored: &[],
        };
        let thing = input.check(&scope).await?;
        Ok(format!("{:?} {:?} {:?}", thing.status, thing.group_id, thing.remove_image))
    }
}

async fn ask(strict: bool, query: &str, variables: serde_json::Value) -> serde_json::Value {
    let mode = if strict { ValidationMode::Strict } else { ValidationMode::Fast };
    let schema = Schema::build(Query, Mutation, EmptySubscription)
        .data(groups().await)
        .data(!strict)
        .validation_mode(mode)
        .finish();
    let request = Request::new(query).variables(Variables::from_json(variables));
    serde_json::to_value(schema.execute(request).await).unwrap()
}

const THING: &str = "mutation($input: ThingInput!) { thing(input: $input) }";

#[tokio::test]
async fn variables_reach_the_rules_unchecked_on_the_internal_schema() {
    let sent = serde_json::json!({"input": {"name": 5, "group_id": "1", "status": [], "unknown": 1}});
    let answer = ask(false, THING, sent).await;
    let message = "The name field must be a string. (and 2 more errors)";
    assert_eq!(answer["errors"][0]["message"], message, "{answer}");
    let sent = serde_json::json!({"input": {"name": "a", "group_id": "1", "status": "active"}});
    let answer = ask(false, THING, sent).await;
    assert_eq!(answer["data"]["thing"], "Value(Active) Value(1) Undefined", "{answer}");
}

#[tokio::test]
async fn graphql_spells_words_and_names_its_own_way() {
    let sent = serde_json::json!({"input": {"name": "a", "groupId": 1, "status": "VERY_HIDDEN", "removeImage": false}});
    let answer = ask(true, THING, sent).await;
    assert_eq!(answer["data"]["thing"], "Value(VeryHidden) Value(1) Value(false)", "{answer}");
    let empty = serde_json::json!({"input": {"name": " \u{200b}"}});
    assert_eq!(ask(true, THING, empty).await["errors"][0]["message"], "The name field is required.");
    let literal = "mutation { thing(input: {name: \"a\", groupId: 2, status: ACTIVE}) }";
    let answer = ask(true, literal, serde_json::json!({})).await;
    assert_eq!(answer["data"]["thing"], "Value(Active) Value(2) Undefined", "{answer}");
}

#[tokio::test]
async fn graphql_uploads_reach_the_form() {
    let schema = Schema::build(Query, Mutation, EmptySubscription).data(groups().await).data(false).finish();
    let query = "mutation($image: Upload) { thing(input: {name: \"a\", image: $image}) }";
    let mut request = Request::new(query).variables(Variables::from_json(serde_json::json!({"image": null})));
    let content = Bytes::from_static(b"hello");
    request
        .set_upload("variables.image", UploadValue { filename: "a.txt".into(), content_type: None, content });
    let answer = schema.execute(request).await;
    let message = "The image field must be an image. (and 1 more error)";
    assert_eq!(answer.errors[0].message, message, "{answer:?}");
}

#[test]
fn schema() {
    let sdl = Schema::build(Query, Mutation, EmptySubscription).finish().sdl();
    for part in [
        "\"\"\"\nWhat a thing is made from.\n\"\"\"\ninput ThingInput {",
        "\t\"\"\"\n\tName of the thing.\n\t\"\"\"\n\tname: String!",
        "\tstatus: Status\n",
        "\tgroupId: Int\n",
        "\tproducts: [Int!]\n",
        "\timage: Upload @constraint(",
        "\ttype: String @constraint(required: true)\n",
        "scalar Upload",
        "thing(input: ThingInput!): String!",
    ] {
        assert!(sdl.contains(part), "{part} is not in\n{sdl}");
    }
}
