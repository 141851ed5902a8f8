//! Access tokens: JWTs that are signed with Ed25519. No other algorithm is accepted, whatever the header of a token
//! says.
//!
//! Keys are PEM files. The key that signs is created at the first use if it does not exist. Former keys in a folder are
//! still accepted for verification, so that a change of keys ends no session.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind as Refusal, Result as JwtResult, new_error};
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, OctetKeyPairParameters,
    OctetKeyPairType, PublicKeyUse, ThumbprintHash,
};
use jsonwebtoken::signature::{self, Signer, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use pkcs8::der::asn1::OctetStringRef;
use pkcs8::der::{self, Decode as _, Encode as _};
use pkcs8::{AlgorithmIdentifierRef, ObjectIdentifier, PrivateKeyInfoRef, SubjectPublicKeyInfoRef};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::platform::config::Config;
use crate::{Error, Result};

/// The claim `aud`.
const AUDIENCE: &str = "guichet";
/// Accepted difference between the clocks of two servers, in seconds.
const LEEWAY: i64 = 10;
/// The algorithm of a key in PKCS #8 and in SubjectPublicKeyInfo: Ed25519, without parameters (RFC 8410, 3).
const ALGORITHM: AlgorithmIdentifierRef<'static> =
    AlgorithmIdentifierRef { oid: ObjectIdentifier::new_unwrap("1.3.101.112"), parameters: None };
/// Length of a public key and of the secret that a private one is made of, in bytes.
const KEY_BYTES: usize = 32;

/// Context for deriving the key of authentication codes, so that it differs from the signing key.
const MAC_CONTEXT: &[u8] = b"guichet refresh tokens\n";

/// The claims of an access token.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Claims {
    /// Issuer: the shop's URL.
    iss: String,
    /// Audience.
    aud: String,
    /// Subject: the owner of the session.
    pub(super) sub: String,
    /// Name of the session.
    pub(super) sid: String,
    /// When it was issued, in Unix seconds.
    iat: i64,
    /// When it expires, in Unix seconds.
    exp: i64,
}

/// The keys that sign and verify access tokens.
pub struct KeyRing {
    issuer: String,
    /// HMAC for [`Self::authentication_code`].
    mac: Hmac<Sha256>,
    signing: EncodingKey,
    header: Header,
    verifying: HashMap<String, DecodingKey>,
    jwks: JwkSet,
}

impl KeyRing {
    /// Reads the keys, and creates the signing key if there is none.
    ///
    /// # Errors
    /// When a file cannot be read, or holds no Ed25519 key.
    pub(super) fn open(config: &Config) -> Result<Self> {
        // It fails if the provider is installed already.
        let _ = PROVIDER.install_default();
        let file = config.jwt_key_file();
        if !file.exists() {
            generate(&file).map_err(|error| key_file_error(&file, error))?;
        }
        let own = read(&file)?;
        let KeyMaterial::Private(seed) = own.pair else {
            return Err(key_file_error(&file, "it is a public key"));
        };
        let mut keys = vec![own.jwk];
        for file in old_keys(config)? {
            keys.push(read(&file)?.jwk);
        }
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = keys[0].common.key_id.clone();
        let verifying = keys
            .iter()
            .filter_map(|jwk| Some((jwk.common.key_id.clone()?, DecodingKey::from_jwk(jwk).ok()?)));
        let mac = Hmac::<Sha256>::new_from_slice(&Sha256::digest([MAC_CONTEXT, &seed].concat()));
        Ok(Self {
            issuer: config.public_url(),
            mac: mac.map_err(Error::internal)?,
            signing: EncodingKey::from_ed_der(&seed),
            header,
            verifying: verifying.collect(),
            jwks: JwkSet { keys },
        })
    }

    /// The public keys (RFC 7517).
    pub fn jwks(&self) -> &JwkSet {
        &self.jwks
    }

    /// Signs an access token of a session, which is valid for this many seconds.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub(super) fn sign(&self, sub: String, sid: &str, now: DateTime<Utc>, seconds: i64) -> Result<String> {
        let iat = now.timestamp();
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub,
            sid: sid.to_owned(),
            iat,
            exp: iat + seconds,
        };
        jsonwebtoken::encode(&self.header, &claims, &self.signing).map_err(Error::internal)
    }

    /// A message authentication code of a text, with a key that is derived from the signing key: 64 hexadecimal digits.
    pub(super) fn authentication_code(&self, text: &str) -> String {
        let mut code = self.mac.clone();
        code.update(text.as_bytes());
        hex::encode(code.finalize().into_bytes())
    }

    /// The claims of a token, if one of the keys has signed it and it is valid now.
    pub(super) fn verify(&self, token: &str, now: DateTime<Utc>) -> Option<Claims> {
        let kid = jsonwebtoken::decode_header(token).ok()?.kid?;
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_issuer(&[&self.issuer]);
        rules.set_audience(&[AUDIENCE]);
        rules.set_required_spec_claims(&["aud", "exp", "iss", "sub"]);
        // Checked below, by the server's own clock.
        rules.validate_exp = false;
        let claims: Claims = jsonwebtoken::decode(token, self.verifying.get(&kid)?, &rules).ok()?.claims;
        let now = now.timestamp();
        (claims.exp.saturating_add(LEEWAY) > now && claims.iat.saturating_sub(LEEWAY) <= now)
            .then_some(claims)
    }
}

/// Whether a bearer text has the form of a JWT: three parts, the first a JSON object in Base64.
pub(in crate::access) fn has_jwt_form(text: &str) -> bool {
    text.starts_with("eyJ") && text.bytes().filter(|byte| *byte == b'.').count() == 2
}

/// The key in a key file. A private one is in PKCS #8.
enum KeyMaterial {
    Private(Vec<u8>),
    Public,
}

/// The content of a key file.
struct KeyFile {
    pair: KeyMaterial,
    jwk: Jwk,
}

/// The files of former keys, in the order of their names.
fn old_keys(config: &Config) -> Result<Vec<PathBuf>> {
    let Some(folder) = &config.jwt_old_keys else { return Ok(Vec::new()) };
    let entries = fs::read_dir(folder).map_err(|error| key_file_error(folder, error))?;
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<_> =
        files.filter(|file| file.extension().is_some_and(|extension| extension == "pem")).collect();
    files.sort();
    Ok(files)
}

fn read(file: &Path) -> Result<KeyFile> {
    let text = fs::read(file).map_err(|error| key_file_error(file, error))?;
    let pem = pem::parse(text).map_err(|error| key_file_error(file, error))?;
    let (pair, public) = if pem.tag() == "PUBLIC KEY" {
        let public = public_key(pem.contents());
        (KeyMaterial::Public, public.ok_or_else(|| key_file_error(file, "it is no Ed25519 key"))?)
    } else {
        let pair = pair(pem.contents()).map_err(|error| key_file_error(file, error))?;
        (KeyMaterial::Private(pem.contents().to_vec()), pair.public_key().as_ref().to_vec())
    };
    Ok(KeyFile { pair, jwk: jwk(&public).map_err(Error::internal)? })
}

/// The public key in a SubjectPublicKeyInfo.
fn public_key(der: &[u8]) -> Option<Vec<u8>> {
    let info = SubjectPublicKeyInfoRef::from_der(der).ok().filter(|info| info.algorithm == ALGORITHM)?;
    let key = info.subject_public_key.as_bytes()?;
    (key.len() == KEY_BYTES).then(|| key.to_vec())
}

/// A private key in PKCS #8, of its first version, which every program reads.
fn private_key(secret: &[u8; KEY_BYTES]) -> der::Result<Vec<u8>> {
    // An OCTET STRING in another one (RFC 8410, 7).
    let secret = OctetStringRef::new(secret)?.to_der()?;
    PrivateKeyInfoRef::new(ALGORITHM, OctetStringRef::new(&secret)?).to_der()
}

fn pair(pkcs8: &[u8]) -> Result<Ed25519KeyPair, ring::error::KeyRejected> {
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8)
}

/// A public key as JWK; its `kid` is its thumbprint (RFC 7638).
fn jwk(public: &[u8]) -> JwtResult<Jwk> {
    use base64::Engine as _;
    let mut jwk = Jwk {
        common: CommonParameters {
            public_key_use: Some(PublicKeyUse::Signature),
            key_algorithm: Some(KeyAlgorithm::EdDSA),
            ..CommonParameters::default()
        },
        algorithm: AlgorithmParameters::OctetKeyPair(OctetKeyPairParameters {
            key_type: OctetKeyPairType::OctetKeyPair,
            curve: EllipticCurve::Ed25519,
            x: base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(public),
        }),
    };
    jwk.common.key_id = Some(jwk.thumbprint(ThumbprintHash::SHA256)?);
    Ok(jwk)
}

/// Creates a key file that only its owner can read. It is created atomically: if another process creates one at the
/// same time, both use the same file.
fn generate(file: &Path) -> std::io::Result<()> {
    let key = private_key(&rand::random()).map_err(std::io::Error::other)?;
    let pem = pem::encode(&pem::Pem::new("PRIVATE KEY", key));
    let draft = file.with_extension(format!("{}.part", uuid::Uuid::new_v4()));
    let mut output = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let written = output.write_all(pem.as_bytes()).and_then(|()| output.sync_all());
    let placed = written.and_then(|()| fs::hard_link(&draft, file));
    fs::remove_file(&draft)?;
    placed.or_else(|error| if error.kind() == ErrorKind::AlreadyExists { Ok(()) } else { Err(error) })
}

/// An internal error about a key file. It is logged; clients do not see it.
fn key_file_error(file: &Path, why: impl std::fmt::Display) -> Error {
    Error::internal(format!("the key of sessions {}: {why}", file.display()))
}

/// A crypto provider that supports only Ed25519, by ring.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| match algorithm {
        Algorithm::EdDSA => match pair(key.as_bytes()) {
            Ok(pair) => Ok(Box::new(Ed25519Signer(pair)) as Box<dyn JwtSigner>),
            Err(_) => Err(new_error(Refusal::InvalidEddsaKey)),
        },
        _ => Err(new_error(Refusal::InvalidAlgorithm)),
    },
    verifier_factory: |algorithm, key| match algorithm {
        Algorithm::EdDSA => Ok(Box::new(Ed25519Verifier(key.try_get_as_bytes()?.to_vec()))),
        _ => Err(new_error(Refusal::InvalidAlgorithm)),
    },
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: |_| Err(new_error(Refusal::InvalidAlgorithm)),
        rsa_pub_components_from_public_key: |_| Err(new_error(Refusal::InvalidAlgorithm)),
        ec_pub_components_from_private_key: |_, _| Err(new_error(Refusal::InvalidAlgorithm)),
        ed_pub_components_from_private_key: |key, _| match pair(key) {
            Ok(pair) => Ok(pair.public_key().as_ref().to_vec()),
            Err(_) => Err(new_error(Refusal::InvalidEddsaKey)),
        },
        compute_digest: |bytes, hash| match hash {
            ThumbprintHash::SHA256 => Ok(Sha256::digest(bytes).to_vec()),
            _ => Err(new_error(Refusal::InvalidAlgorithm)),
        },
    },
};

struct Ed25519Signer(Ed25519KeyPair);

impl Signer<Vec<u8>> for Ed25519Signer {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(self.0.sign(message).as_ref().to_vec())
    }
}

impl JwtSigner for Ed25519Signer {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

struct Ed25519Verifier(Vec<u8>);

impl Verifier<Vec<u8>> for Ed25519Verifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let key = UnparsedPublicKey::new(&ED25519, &self.0);
        key.verify(message, signature).map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Ed25519Verifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use proptest::prelude::*;

    use super::*;

    /// A folder of one test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("guichet-jwt-{name}-{}", std::process::id()));
            fs::create_dir_all(folder.join("old")).unwrap();
            Self(folder)
        }

        fn config(&self, key: &str, old: bool) -> Config {
            let old = old.then(|| self.0.join("old"));
            Config { jwt_key: Some(self.0.join(key)), jwt_old_keys: old, ..Config::default() }
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn token(ring: &KeyRing) -> String {
        ring.sign("customer:1".to_owned(), "s", Utc::now(), 900).unwrap()
    }

    #[test]
    fn a_key_is_made_once_for_its_owners_eyes() {
        let folder = Folder::new("made");
        let config = folder.config("new.pem", false);
        let first = KeyRing::open(&config).unwrap();
        assert_eq!(fs::metadata(folder.0.join("new.pem")).unwrap().permissions().mode() & 0o777, 0o600);
        let again = KeyRing::open(&config).unwrap();
        assert_eq!(first.jwks, again.jwks);
        let claims = again.verify(&token(&first), Utc::now()).unwrap();
        assert_eq!((claims.sub.as_str(), claims.sid.as_str()), ("customer:1", "s"));
        let left = fs::read_dir(&folder.0).unwrap().count();
        assert_eq!(left, 2, "the key and the folder of old ones");
    }

    #[test]
    fn makers_of_a_key_at_the_same_time_agree() {
        let folder = Folder::new("race");
        let config = folder.config("new.pem", false);
        let open = || KeyRing::open(&config).unwrap().jwks;
        let [first, second] = std::thread::scope(|threads| {
            [threads.spawn(open), threads.spawn(open)].map(|thread| thread.join().unwrap())
        });
        assert_eq!(first, second);
    }

    #[test]
    fn former_keys_still_verify_and_only_the_new_one_signs() {
        let folder = Folder::new("rotated");
        let former = KeyRing::open(&folder.config("a.pem", false)).unwrap();
        let old = token(&former);
        fs::rename(folder.0.join("a.pem"), folder.0.join("old/a.pem")).unwrap();
        let rotated = KeyRing::open(&folder.config("a.pem", true)).unwrap();
        assert!(rotated.verify(&old, Utc::now()).is_some());
        assert!(former.verify(&token(&rotated), Utc::now()).is_none());
        assert_eq!(rotated.jwks.keys.len(), 2);
        let without = KeyRing::open(&folder.config("a.pem", false)).unwrap();
        assert!(without.verify(&old, Utc::now()).is_none());
    }

    /// RFC 8410, 10: a public key, and the private one of `openssl genpkey`.
    #[test]
    fn keys_of_others_are_read() {
        let folder = Folder::new("read");
        let public = "-----BEGIN PUBLIC KEY-----\n\
                      MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
        let private = "-----BEGIN PRIVATE KEY-----\n\
                       MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
        fs::write(folder.0.join("public.pem"), public).unwrap();
        fs::write(folder.0.join("private.pem"), private).unwrap();
        let [known, own] = ["public.pem", "private.pem"].map(|file| read(&folder.0.join(file)).unwrap());
        assert_eq!(known.jwk, own.jwk);
        assert!(KeyRing::open(&folder.config("public.pem", false)).is_err(), "it cannot sign");
        fs::write(folder.0.join("no.pem"), "no key").unwrap();
        assert!(KeyRing::open(&folder.config("no.pem", false)).is_err());
    }

    /// The bytes of a key file, as version 0.2.0 put them together by hand.
    #[test]
    fn keys_are_written_as_before() {
        let secret: [u8; KEY_BYTES] = std::array::from_fn(|at| at as u8);
        let before = [&[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20], &secret[..]];
        assert_eq!(private_key(&secret).unwrap(), before.concat());
        let before = [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0], &secret[..]].concat();
        assert_eq!(public_key(&before).unwrap(), secret);
        // X25519, and Ed25519 with parameters.
        let other = [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 3, 0x21, 0], &secret[..]].concat();
        assert_eq!(public_key(&other), None);
        let other = [&[0x30, 0x2c, 0x30, 7, 6, 3, 0x2b, 0x65, 0x70, 5, 0, 3, 0x21, 0], &secret[..]].concat();
        assert_eq!(public_key(&other), None);
        assert_eq!(public_key(&before[..before.len() - 1]), None);
    }

    /// Claims that are signed, whatever they say.
    #[test]
    fn moments_beyond_all_clocks_are_judged() {
        let folder = Folder::new("clocks");
        let ring = KeyRing::open(&folder.config("a.pem", false)).unwrap();
        let token = |iat, exp| {
            let (iss, aud, sub) = (ring.issuer.clone(), AUDIENCE.to_owned(), "customer:1".to_owned());
            let claims = Claims { iss, aud, sub, sid: "s".to_owned(), iat, exp };
            jsonwebtoken::encode(&ring.header, &claims, &ring.signing).unwrap()
        };
        assert!(ring.verify(&token(0, i64::MAX), Utc::now()).is_some());
        assert!(ring.verify(&token(i64::MIN, i64::MAX), Utc::now()).is_some());
        assert!(ring.verify(&token(i64::MAX, i64::MAX), Utc::now()).is_none());
        assert!(ring.verify(&token(0, i64::MIN), Utc::now()).is_none());
    }

    #[test]
    fn only_what_was_signed_is_believed() {
        let folder = Folder::new("forged");
        let ring = KeyRing::open(&folder.config("a.pem", false)).unwrap();
        let token = token(&ring);
        let parts: Vec<_> = token.split('.').map(str::to_owned).collect();
        proptest!(ProptestConfig::with_source_file(file!()), |(at in 0..token.len(), letter in "[A-Za-z0-9_.-]", text in r"[A-Za-z0-9_-]{0,40}|\PC*", part in 0..3_usize)| {
            let mut changed = token.clone();
            changed.replace_range(at..=at, &letter);
            prop_assert!(changed == token || ring.verify(&changed, Utc::now()).is_none() || same_bytes(&changed, &token));
            let mut forged = parts.clone();
            forged[part].clone_from(&text);
            prop_assert!(ring.verify(&forged.join("."), Utc::now()).is_none());
            prop_assert!(ring.verify(&text, Utc::now()).is_none());
            has_jwt_form(&text);
        });
    }

    /// Base64's last letter may differ in bits that stand for nothing.
    fn same_bytes(one: &str, other: &str) -> bool {
        use base64::Engine as _;
        let lenient = base64::engine::GeneralPurpose::new(
            &base64::alphabet::URL_SAFE,
            base64::engine::general_purpose::NO_PAD.with_decode_allow_trailing_bits(true),
        );
        let bytes = |text: &str| text.split('.').map(|part| lenient.decode(part).ok()).collect::<Vec<_>>();
        bytes(one) == bytes(other)
    }
}
