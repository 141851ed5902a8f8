//! Reads a whole request body within a limit.

use axum::body::{Body, Bytes, HttpBody};
use bytes::BytesMut;
use futures_util::StreamExt;

use super::body_memory::HeldMemory;

/// A body of any size may arrive in so many chunks.
const MIN_CHUNKS: usize = 1000;
/// Each further chunk must hold so many bytes on average: a chunk costs the server much more time than a byte.
const MIN_CHUNK_BYTES: usize = 16;

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// It is larger than the limit, or announces so, or arrives in too many small chunks.
    TooLarge,
    /// The connection ended before the body was complete.
    Broken,
    /// Bodies take too much memory now.
    NoMemory,
}

/// A body with the memory that it takes.
struct HeldBody {
    content: BytesMut,
    _memory: HeldMemory,
}

impl AsRef<[u8]> for HeldBody {
    fn as_ref(&self) -> &[u8] {
        &self.content
    }
}

/// Reads a body of at most `max` bytes. It keeps `memory` for as long as it is used.
///
/// # Errors
/// [`BodyError`] where the body is too large or incomplete, or there is no memory for it.
pub async fn read(body: Body, max: usize, mut memory: HeldMemory) -> Result<Bytes, BodyError> {
    let hint = body.size_hint();
    if hint.lower() > max as u64 {
        return Err(BodyError::TooLarge);
    }
    let mut stream = body.into_data_stream();
    let Some(first) = stream.next().await else { return Ok(Bytes::new()) };
    let first = first.map_err(|_| BodyError::Broken)?;
    if hint.exact() == Some(first.len() as u64) {
        return Ok(first);
    }
    // Reserves the announced size at once: growing the buffer would need twice the memory for a moment.
    let expected = usize::try_from(hint.lower()).unwrap_or(max).min(max);
    if !memory.grow_to(expected.max(first.len())) {
        return Err(BodyError::NoMemory);
    }
    let mut whole = BytesMut::with_capacity(expected.max(first.len()));
    whole.extend_from_slice(&first);
    drop(first);
    let mut pieces = 1;
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|_| BodyError::Broken)?;
        pieces += 1;
        if whole.len() + piece.len() > max || pieces > MIN_CHUNKS + whole.len() / MIN_CHUNK_BYTES {
            return Err(BodyError::TooLarge);
        }
        if !memory.grow_to(whole.len() + piece.len()) {
            return Err(BodyError::NoMemory);
        }
        whole.extend_from_slice(&piece);
    }
    if whole.len() > max {
        return Err(BodyError::TooLarge);
    }
    if memory.is_none() {
        return Ok(whole.freeze());
    }
    Ok(Bytes::from_owner(HeldBody { content: whole, _memory: memory }))
}

#[cfg(test)]
mod tests {
    use std::io;

    use futures_util::stream;

    use std::net::Ipv4Addr;

    use super::super::body_memory::BodyMemory;
    use super::*;

    /// Reads with memory for some bodies of a mebibyte.
    async fn read(body: Body, max: usize) -> Result<Bytes, BodyError> {
        super::read(body, max, BodyMemory::new(1 << 20).of(Ipv4Addr::LOCALHOST.into())).await
    }

    fn pieces(size: usize, count: usize) -> Body {
        let piece = Bytes::from(vec![b'x'; size]);
        Body::from_stream(stream::iter((0..count).map(move |_| Ok::<_, io::Error>(piece.clone()))))
    }

    #[tokio::test]
    async fn bodies_are_read_up_to_their_limit() {
        assert_eq!(read(Body::empty(), 0).await, Ok(Bytes::new()));
        assert_eq!(read(Body::from("abc"), 3).await, Ok(Bytes::from("abc")));
        assert_eq!(read(Body::from("abc"), 2).await, Err(BodyError::TooLarge));
        assert_eq!(read(pieces(100, 10), 1000).await.map(|whole| whole.len()), Ok(1000));
        assert_eq!(read(pieces(100, 11), 1000).await, Err(BodyError::TooLarge));
        assert_eq!(read(pieces(1001, 1), 1000).await, Err(BodyError::TooLarge));
    }

    #[tokio::test]
    async fn bodies_come_in_few_pieces() {
        assert_eq!(read(pieces(1, MIN_CHUNKS), 1 << 20).await.map(|whole| whole.len()), Ok(MIN_CHUNKS));
        assert_eq!(read(pieces(1, 2 * MIN_CHUNKS), 1 << 20).await, Err(BodyError::TooLarge));
        assert!(read(pieces(2 * MIN_CHUNK_BYTES, 10_000), 1 << 20).await.is_ok());
    }

    #[tokio::test]
    async fn bodies_keep_their_memory_until_they_are_dropped() {
        let memory = BodyMemory::new(1 << 10);
        let read = |size| super::read(pieces(size, 8), 1 << 20, memory.of(Ipv4Addr::LOCALHOST.into()));
        assert_eq!(read(10_000).await, Err(BodyError::NoMemory), "more than 8 KiB, and not free");
        let memory = BodyMemory::new(1 << 17);
        let read = |size| super::read(pieces(size, 8), 1 << 20, memory.of(Ipv4Addr::LOCALHOST.into()));
        let bodies = [read(100_000).await.unwrap(), read(100).await.unwrap()];
        assert_eq!(bodies.each_ref().map(Bytes::len), [800_000, 800]);
        assert_eq!(read(100_000).await, Err(BodyError::NoMemory));
        let part = bodies[0].slice(..10);
        drop(bodies);
        assert_eq!(read(100_000).await, Err(BodyError::NoMemory), "a part keeps the whole");
        drop(part);
        assert!(read(100_000).await.is_ok());
    }

    #[tokio::test]
    async fn what_breaks_off_is_not_read() {
        let broken = [Ok(Bytes::from("a")), Err(io::Error::other("gone"))];
        assert_eq!(read(Body::from_stream(stream::iter(broken)), 10).await, Err(BodyError::Broken));
    }
}

#[cfg(test)]
mod properties {
    use futures_util::{FutureExt, stream};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_body_is_the_same_in_whatever_pieces_it_comes(pieces in prop::collection::vec(any::<Vec<u8>>(), 0..20), max in 0..2000_usize) {
            let whole = pieces.concat();
            let pieces = pieces.into_iter().map(|piece| Ok::<_, std::io::Error>(Bytes::from(piece)));
            let body = Body::from_stream(stream::iter(pieces));
            let expected = if whole.len() > max { Err(BodyError::TooLarge) } else { Ok(Bytes::from(whole)) };
            let memory = super::super::body_memory::BodyMemory::new(max);
            let memory = memory.of(std::net::Ipv4Addr::LOCALHOST.into());
            prop_assert_eq!(read(body, max, memory).now_or_never(), Some(expected));
        }
    }
}
