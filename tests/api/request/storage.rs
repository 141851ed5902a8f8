//! Files below `/storage/`: what is there is answered as HTTP wants it, and nothing outside of the public folder is.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::harness::shop::Shop;
use crate::harness::wire::Answer;

/// A picture of one pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x03\0\0\0\x02\x08\x06\0\0\0\x1f\x15\xc4\x89\
    \0\0\0\rIDATx\x9cc\xf8\xff\xff?\0\x05\xfe\x02\xfe\xa7\x35\x81\x84\0\0\0\0IEND\xaeB`\x82";
const SECRET: &str = "secret-of-the-operator";

/// A storage folder with files that may be read, and others around them.
fn folder(name: &str) -> PathBuf {
    let root = std::env::temp_dir().join(format!("guichet-storage-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&root);
    let storage = root.join("storage");
    let public = storage.join("public");
    fs::create_dir_all(public.join("products/.git")).unwrap();
    fs::create_dir_all(root.join("elsewhere")).unwrap();
    fs::write(public.join("products/12.png"), PNG).unwrap();
    fs::write(public.join("products/a b.svg"), "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>")
        .unwrap();
    fs::write(public.join("page.html"), "<script>alert(1)</script>").unwrap();
    fs::write(public.join("empty.txt"), "").unwrap();
    for secret in [
        "storage/secret.txt",
        "elsewhere/secret.txt",
        "storage/public/.env",
        "storage/public/products/.git/config",
    ] {
        fs::write(root.join(secret), SECRET).unwrap();
    }
    symlink(public.join("products/12.png"), public.join("link.png")).unwrap();
    symlink(root.join("elsewhere/secret.txt"), public.join("out.txt")).unwrap();
    symlink(root.join("elsewhere"), public.join("outside")).unwrap();
    symlink(public.join(".env"), public.join("env.txt")).unwrap();
    symlink(public.join("loop"), public.join("loop")).unwrap();
    root
}

async fn shop(root: &Path) -> Shop {
    let storage = root.join("storage");
    Shop::with("en", |config| config.storage = storage).await
}

async fn read(shop: &Shop, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    shop.send_with("none", method, path, headers, "").await
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

#[tokio::test]
async fn a_picture_has_an_address_that_answers() {
    let root = folder("picture");
    let shop = shop(&root).await;
    shop.sql("UPDATE products SET image = 'products/12.png' WHERE id = 1").await;
    shop.sql("UPDATE products SET image = 'products/gone.png' WHERE id = 2").await;
    shop.sql("UPDATE products SET image = 'https://cdn.example/x.png' WHERE id = 3").await;
    shop.sql("UPDATE products SET image = '../secret.txt' WHERE id = 4").await;
    shop.sql("UPDATE customers SET avatar_path = 'products/a b.svg' WHERE id = 1").await;
    let query = "{ products(first: 5, sort: {field: ID}) { nodes { image { url width height } } } customer(id: 1) { avatar { url width } } }";
    let answer = shop.graphql(query, json!({}), "all").await;
    assert!(answer["errors"].is_null(), "{answer}");
    let nodes = &answer["data"]["products"]["nodes"];
    let base = shop.base().replace("http://", "https://");
    assert_eq!(
        nodes[0]["image"],
        json!({"url": format!("{base}/storage/products/12.png"), "width": 3, "height": 2})
    );
    assert_eq!(nodes[1]["image"]["width"], json!(null));
    assert_eq!(nodes[2]["image"], json!({"url": "https://cdn.example/x.png", "width": null, "height": null}));
    assert_eq!(nodes[3]["image"]["width"], json!(null), "nothing outside is read");
    assert_eq!(nodes[4]["image"], json!(null));
    assert_eq!(answer["data"]["customer"]["avatar"]["url"], format!("{base}/storage/products/a%20b.svg"));
    let (_, _, rest) = shop.get("/api/application/products/1", "all").await;
    assert_eq!(rest["data"][0]["image"], "products/12.png", "REST keeps the path: {rest}");
    let path = nodes[0]["image"]["url"].as_str().unwrap().strip_prefix(&base).unwrap();
    assert_eq!(read(&shop, "GET", path, &[]).await.body, PNG);
    shop.close().await;
    fs::remove_dir_all(root).unwrap();
}

#[tokio::test]
async fn files_are_answered_as_http_wants_it() {
    let root = folder("http");
    let shop = shop(&root).await;
    let path = "/storage/products/12.png";
    let answer = read(&shop, "GET", path, &[]).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, PNG));
    assert_eq!(header(&answer, "content-type"), "image/png");
    assert_eq!(header(&answer, "content-length"), PNG.len().to_string());
    assert_eq!(header(&answer, "cache-control"), "public, no-cache");
    assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
    assert_eq!(header(&answer, "accept-ranges"), "bytes");
    assert!(header(&answer, "content-security-policy").contains("sandbox"));
    let (tag, changed) = (header(&answer, "etag").to_owned(), header(&answer, "last-modified").to_owned());
    assert!(tag.starts_with('"') && !changed.is_empty());
    let head = read(&shop, "HEAD", path, &[]).await;
    assert_eq!(
        (head.status, head.body.len(), header(&head, "content-length")),
        (200, 0, &*PNG.len().to_string())
    );
    for (name, value) in [("If-None-Match", tag.as_str()), ("If-Modified-Since", &changed)] {
        let answer = read(&shop, "GET", path, &[(name, value)]).await;
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{name}");
        assert!(header(&answer, "content-security-policy").contains("sandbox"));
    }
    let part = read(&shop, "GET", path, &[("Range", "bytes=1-3")]).await;
    assert_eq!((part.status, part.body.as_slice()), (206, &b"PNG"[..]));
    assert_eq!(header(&part, "content-range"), format!("bytes 1-3/{}", PNG.len()));
    let beyond = read(&shop, "GET", path, &[("Range", "bytes=9999-")]).await;
    assert_eq!((beyond.status, header(&beyond, "content-range")), (416, &*format!("bytes */{}", PNG.len())));
    assert_eq!(read(&shop, "GET", path, &[("If-Match", "\"other\"")]).await.status, 412);
    assert_eq!(read(&shop, "GET", "/storage/link.png", &[]).await.body, PNG, "a link inside");
    let empty = read(&shop, "GET", "/storage/empty.txt", &[]).await;
    assert_eq!((empty.status, header(&empty, "content-length")), (200, "0"));
    shop.close().await;
    fs::remove_dir_all(root).unwrap();
}

/// What a browser would run as a page of the shop is saved or put into a sandbox.
#[tokio::test]
async fn no_file_runs_scripts() {
    let root = folder("scripts");
    let shop = shop(&root).await;
    let picture = read(&shop, "GET", "/storage/products/a%20b.svg", &[]).await;
    assert_eq!((picture.status, header(&picture, "content-type")), (200, "image/svg+xml"));
    let page = read(&shop, "GET", "/storage/page.html", &[]).await;
    assert_eq!((page.status, header(&page, "content-type")), (200, "application/octet-stream"));
    assert!(header(&page, "content-disposition").starts_with("attachment"));
    for answer in [picture, page] {
        let policy = header(&answer, "content-security-policy");
        assert!(
            policy.contains("sandbox")
                && policy.contains("default-src 'none'")
                && !policy.contains("allow-scripts")
        );
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
    }
    shop.close().await;
    fs::remove_dir_all(root).unwrap();
}

#[tokio::test]
async fn nothing_outside_of_the_folder_can_be_named() {
    let root = folder("outside");
    let shop =
        Shop::with("en", |config| (config.storage, config.rate_limit) = (root.join("storage"), None)).await;
    let absolute = root.join("elsewhere/secret.txt").display().to_string();
    let absolute_encoded = absolute.replace('/', "%2f");
    let paths = [
        "/storage/../secret.txt",
        "/storage/%2e%2e/secret.txt",
        "/storage/%2E%2E%2Fsecret.txt",
        "/storage/..%2fsecret.txt",
        "/storage/%252e%252e/secret.txt",
        "/storage/%252e%252e%252fsecret.txt",
        "/storage/products/../../secret.txt",
        "/storage/products/..%2f..%2fsecret.txt",
        "/storage/products/%2e%2e/12.png",
        "/storage/./products/12.png",
        "/storage/..%5csecret.txt",
        "/storage/..\\secret.txt",
        "/storage/%c0%ae%c0%ae/secret.txt",
        "/storage/..%00/secret.txt",
        "/storage/products/12.png%00",
        "/storage/products/12.png%00.txt",
        "/storage/..;/secret.txt",
        "/storage//products/12.png",
        "/storage/products//12.png",
        "/storage/products/12.png/",
        "/storage/products/12.png/x",
        "/storage/.env",
        "/storage/%2eenv",
        "/storage/env.txt",
        "/storage/products/.git/config",
        "/storage/out.txt",
        "/storage/outside/secret.txt",
        "/storage/outside",
        "/storage/loop",
        "/storage",
        "/storage/",
        "/storage/products",
        "/storage/products/",
        "/storage/products%2f",
        "/storage/nothing.png",
        "/storage/%ff.png",
        "/STORAGE/products/12.png",
        "//storage/products/12.png",
    ];
    let own = [
        format!("/storage/{absolute}"),
        format!("/storage{absolute}"),
        format!("/storage/{absolute_encoded}"),
        format!("/storage/{}", "a/".repeat(900)),
        format!("/storage/{}", "a".repeat(4000)),
    ];
    for path in paths.iter().map(|path| (*path).to_owned()).chain(own) {
        for method in ["GET", "HEAD"] {
            let answer = read(&shop, method, &path, &[]).await;
            assert!((400..500).contains(&answer.status), "{method} {path}: {}", answer.status);
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            assert!(!text.contains(SECRET) && !text.contains("PNG"), "{path}: {text}");
            assert!(!text.contains("12.png") && !text.contains(&*root.to_string_lossy()), "{path}: {text}");
        }
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let answer = read(&shop, method, "/storage/products/12.png", &[]).await;
        assert_ne!(answer.body, PNG, "{method}");
        assert!(answer.status != 200 || method == "OPTIONS", "{method}");
    }
    assert!(root.join("storage/public/products/12.png").exists());
    shop.close().await;
    fs::remove_dir_all(root).unwrap();
}
