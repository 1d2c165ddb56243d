//! Just enough HTTP for both ends of a load run: a head, and a body of a known length.

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Larger heads are nobody's.
const LARGEST_HEAD: usize = 16 * 1024;

/// Larger bodies are nobody's; TwiML may have 64 kB.
const LARGEST_BODY: usize = 64 * 1024;

/// A request's or an answer's head.
#[derive(Debug)]
pub(super) struct Head {
    text: String,
}

impl Head {
    /// Reads a head; what came behind it stays in `buffer`. None when the connection ended or brought no head.
    pub(super) async fn read<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut Vec<u8>) -> Option<Self> {
        loop {
            if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                let rest = buffer.split_off(end + 4);
                let text = String::from_utf8(std::mem::replace(buffer, rest)).ok()?;
                return Some(Self { text });
            }
            if buffer.len() > LARGEST_HEAD || stream.read_buf(buffer).await.ok()? == 0 {
                return None;
            }
        }
    }

    /// Reads the body that belongs to the head; what came behind it stays in `buffer`.
    pub(super) async fn body<S: AsyncRead + Unpin>(
        &self,
        stream: &mut S,
        buffer: &mut Vec<u8>,
    ) -> Option<Vec<u8>> {
        let length = self.header("content-length").map_or(Some(0), |length| length.parse().ok())?;
        if length > LARGEST_BODY {
            return None;
        }
        while buffer.len() < length {
            if stream.read_buf(buffer).await.ok()? == 0 {
                return None;
            }
        }
        let rest = buffer.split_off(length);
        Some(std::mem::replace(buffer, rest))
    }

    /// Returns method and target of a request.
    pub(super) fn request(&self) -> Option<(&str, &str)> {
        let mut words = self.text.lines().next()?.split(' ');
        Some((words.next()?, words.next()?))
    }

    /// Returns the status of an answer.
    pub(super) fn status(&self) -> Option<u16> {
        self.text.split(' ').nth(1)?.parse().ok()
    }

    /// Returns a header, whatever the case of its name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let headers = self.text.lines().skip(1).filter_map(|line| line.split_once(':'));
        headers.filter(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix::test]
    async fn heads_and_bodies_are_read_one_after_another() {
        let mut wire: &[u8] =
            b"POST /a?b HTTP/1.1\r\nHost: x\r\nContent-length: 3\r\n\r\nabcHTTP/1.1 403 No\r\n\r\nrest";
        let mut buffer = Vec::new();
        let first = Head::read(&mut wire, &mut buffer).await.unwrap();
        assert_eq!((first.request(), first.header("HOST")), (Some(("POST", "/a?b")), Some("x")));
        assert_eq!(first.body(&mut wire, &mut buffer).await.unwrap(), b"abc");
        let second = Head::read(&mut wire, &mut buffer).await.unwrap();
        assert_eq!((second.status(), buffer.as_slice()), (Some(403), &b"rest"[..]));
        assert!(Head::read(&mut wire, &mut buffer).await.is_none());
    }
}
