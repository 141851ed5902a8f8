//! The content of a file, and the body of a response that is made of it.

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::future::{BoxFuture, ready};
use futures_util::stream::{self, BoxStream, Fuse};
use futures_util::{StreamExt, TryStreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncSeek, AsyncSeekExt, SeekFrom};
use tokio_util::io::ReaderStream;

use crate::{Error, Result, facts};

/// The maximum number of bytes that are read from a reader at once.
const PIECE: usize = 64 * 1024;

/// A reader that can seek.
pub(super) trait ReadSeek: AsyncRead + AsyncSeek + Send {}

impl<T: AsyncRead + AsyncSeek + Send> ReadSeek for T {}

/// The source of the bytes of a file.
pub(super) enum Content {
    /// Bytes in memory.
    Bytes(Bytes),
    /// Bytes that are not made yet.
    Future(BoxFuture<'static, Result<Bytes>>),
    /// A reader, and the length of the file.
    Reader(Pin<Box<dyn ReadSeek>>, u64),
    /// A stream, and the length of the file if it is known.
    Stream(BoxStream<'static, io::Result<Bytes>>, Option<u64>),
}

impl Default for Content {
    fn default() -> Self {
        Self::Bytes(Bytes::new())
    }
}

impl Content {
    /// Makes the bytes that are not made yet.
    ///
    /// # Errors
    /// The error of making them.
    pub(super) async fn made(self) -> Result<Self> {
        match self {
            Self::Future(making) => making.await.map(Self::Bytes),
            made => Ok(made),
        }
    }

    /// The length in bytes, if it is known.
    pub(super) fn length(&self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::Reader(_, length) => Some(*length),
            Self::Stream(_, length) => *length,
            Self::Future(_) => None,
        }
    }

    /// Whether a range of it can be sent.
    pub(super) fn supports_ranges(&self) -> bool {
        !matches!(self, Self::Stream(..))
    }

    /// The body of a response: the whole content, or a part of it, which must not be empty. Of a reader or a stream, it
    /// reads the first piece now and the others while they are sent. No piece may take longer than `timeout`.
    ///
    /// # Errors
    /// If the content cannot be made, the first piece cannot be read, or the length is already known to be wrong.
    pub(super) async fn into_body(self, part: Option<Range<u64>>, timeout: Duration) -> Result<Body> {
        match self {
            Self::Bytes(bytes) => Ok(cut(bytes, part).into()),
            Self::Future(making) => Ok(cut(making.await?, part).into()),
            Self::Reader(reader, length) => {
                let part = part.unwrap_or(0..length);
                let left = part.end - part.start;
                let pieces = read(reader, part, length).await.map_err(Error::internal)?;
                BodyPieces::new(pieces, Some(left), timeout).into_body().await
            }
            Self::Stream(pieces, length) => BodyPieces::new(pieces, length, timeout).into_body().await,
        }
    }
}

/// A part of the bytes, or all of them.
fn cut(bytes: Bytes, part: Option<Range<u64>>) -> Bytes {
    let at = |position: u64| usize::try_from(position).map_or(bytes.len(), |at| at.min(bytes.len()));
    match part {
        Some(part) => bytes.slice(at(part.start)..at(part.end)),
        None => bytes,
    }
}

/// The pieces of a part of a reader with `length` bytes. If the part reaches the end, the reader is read beyond it, so
/// that a file longer than declared is noticed.
async fn read(
    mut reader: Pin<Box<dyn ReadSeek>>,
    part: Range<u64>,
    length: u64,
) -> io::Result<BoxStream<'static, io::Result<Bytes>>> {
    reader.seek(SeekFrom::Start(part.start)).await?;
    let size = part.end - part.start;
    let limit = if part.end < length { size } else { u64::MAX };
    let piece = usize::try_from(size).map_or(PIECE, |size| size.clamp(1, PIECE));
    Ok(ReaderStream::with_capacity(reader.take(limit), piece).boxed())
}

/// The pieces of a body while it is sent.
struct BodyPieces {
    pieces: Fuse<BoxStream<'static, io::Result<Bytes>>>,
    /// The number of bytes that must still follow, if the length is known.
    left: Option<u64>,
    timeout: Duration,
}

impl BodyPieces {
    fn new(pieces: BoxStream<'static, io::Result<Bytes>>, left: Option<u64>, timeout: Duration) -> Self {
        Self { pieces: pieces.fuse(), left, timeout }
    }

    /// Reads the first piece, so that an early error can still become an answer, and makes a body of all.
    async fn into_body(self) -> Result<Body> {
        let first = self.advance().await.map_err(Error::internal)?;
        let Some((first, rest)) = first else { return Ok(Body::empty()) };
        let trace_id = facts::trace_id();
        let rest = stream::try_unfold(rest, Self::advance).inspect_err(move |error| {
            tracing::error!(%error, trace_id, "sending a file failed");
        });
        Ok(Body::from_stream(stream::once(ready(Ok(first))).chain(rest)))
    }

    /// The next piece and the state after it. The last piece is returned only once the end was reached: with all
    /// announced bytes, a client takes the file for complete.
    async fn advance(mut self) -> io::Result<Option<(Bytes, Self)>> {
        let Some(piece) = self.piece().await? else {
            return if self.left.unwrap_or(0) == 0 { Ok(None) } else { Err(shorter()) };
        };
        if let Some(left) = self.left {
            let left = left.checked_sub(piece.len() as u64).ok_or_else(longer)?;
            if left == 0 && self.piece().await?.is_some() {
                return Err(longer());
            }
            self.left = Some(left);
        }
        Ok(Some((piece, self)))
    }

    /// The next piece that is not empty.
    async fn piece(&mut self) -> io::Result<Option<Bytes>> {
        let filled = async {
            while let Some(piece) = self.pieces.try_next().await? {
                if !piece.is_empty() {
                    return Ok(Some(piece));
                }
            }
            Ok(None)
        };
        tokio::time::timeout(self.timeout, filled)
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

fn shorter() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the file is shorter than was declared")
}

fn longer() -> io::Error {
    io::Error::other("the file is longer than was declared")
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(30);

    fn pieces(pieces: &[&'static str]) -> BoxStream<'static, io::Result<Bytes>> {
        let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes()))).collect();
        stream::iter(pieces).boxed()
    }

    async fn whole(content: Content) -> Option<Bytes> {
        to_bytes(content.into_body(None, TIMEOUT).await.ok()?, usize::MAX).await.ok()
    }

    #[tokio::test]
    async fn a_stream_has_its_declared_length() {
        for (sent, length, whole_one) in [
            (&["ab", "", "c"][..], None, Some("abc")),
            (&["ab", "", "c", ""], Some(3), Some("abc")),
            (&["ab", "c"], Some(4), None),
            (&["ab", "c"], Some(2), None),
            (&["abc"], Some(2), None),
            (&[], Some(1), None),
            (&[], Some(0), Some("")),
            (&[""], Some(0), Some("")),
            (&["a"], Some(0), None),
            (&[], None, Some("")),
        ] {
            let read = whole(Content::Stream(pieces(sent), length)).await;
            assert_eq!(read.as_deref(), whole_one.map(str::as_bytes), "{sent:?} {length:?}");
        }
    }

    /// A client that gets all announced bytes takes the file for complete.
    #[tokio::test]
    async fn the_last_piece_waits_for_the_end() {
        let body = Content::Stream(pieces(&["ab", "c", "d"]), Some(3)).into_body(None, TIMEOUT).await;
        let got: Vec<_> = body.unwrap().into_data_stream().collect().await;
        let [Ok(first), Err(_)] = got.as_slice() else { panic!("{got:?}") };
        assert_eq!(first, "ab");
    }

    #[tokio::test]
    async fn a_part_is_cut_from_the_content() {
        let text: Vec<u8> = (0..200_000_u32).map(|at| (at % 251) as u8).collect();
        for part in [0..1, 5..70_000, 65_536..131_072, 199_999..200_000, 0..200_000] {
            let reader = Content::Reader(Box::pin(io::Cursor::new(text.clone())), text.len() as u64);
            for content in [Content::Bytes(text.clone().into()), reader] {
                let body = content.into_body(Some(part.clone()), TIMEOUT).await.unwrap();
                let read = to_bytes(body, usize::MAX).await.unwrap();
                assert!(
                    read == text[usize::try_from(part.start).unwrap()..usize::try_from(part.end).unwrap()]
                );
            }
        }
    }

    #[tokio::test]
    async fn a_reader_is_read_from_its_beginning_to_its_declared_end() {
        let reader = |length| {
            let mut cursor = io::Cursor::new("abcdef");
            cursor.set_position(4);
            Content::Reader(Box::pin(cursor), length)
        };
        assert_eq!(whole(reader(6)).await.unwrap(), "abcdef");
        for length in [0, 5, 7] {
            assert_eq!(whole(reader(length)).await, None, "{length}");
        }
        let part = reader(5).into_body(Some(1..3), TIMEOUT).await.unwrap();
        assert_eq!(to_bytes(part, usize::MAX).await.unwrap(), "bc");
        assert!(reader(5).into_body(Some(3..5), TIMEOUT).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_without_a_next_piece_times_out() {
        let silent = stream::once(async { Ok(Bytes::from_static(b"a")) }).chain(stream::pending()).boxed();
        let body = Content::Stream(silent, None).into_body(None, TIMEOUT).await.unwrap();
        let begun = tokio::time::Instant::now();
        assert!(to_bytes(body, usize::MAX).await.is_err());
        assert_eq!(begun.elapsed(), TIMEOUT);
    }
}
