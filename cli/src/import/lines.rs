//! Lines of an input, each bounded.

use std::io::{self, BufRead};

/// The most bytes a line may take: 16 MiB. The longest line that `search` prints, with every character of the greatest
/// content escaped, takes less than 10 MiB.
pub(crate) const MAX_LINE: usize = 16 << 20;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads lines one after the other.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    number: u64,
    bytes_read: u64,
}

/// Is a line that isn't blank.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// Its number, from 1.
    pub(crate) number: u64,
    /// Its bytes without the line end; none if it is longer than [`MAX_LINE`].
    pub(crate) bytes: Option<&'a [u8]>,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), number: 0, bytes_read: 0 }
    }

    /// Returns how many bytes were read so far.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Returns the number of the line read last.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Reads the next line that isn't blank.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        loop {
            let Some(complete) = self.fill()? else { return Ok(None) };
            if !complete {
                return Ok(Some(Line { number: self.number, bytes: None }));
            }
            if self.number == 1 && self.buffer.starts_with(BYTE_ORDER_MARK) {
                self.buffer.drain(..BYTE_ORDER_MARK.len());
            }
            if !self.buffer.trim_ascii().is_empty() {
                break;
            }
        }
        let bytes = self.buffer.strip_suffix(b"\r").unwrap_or(&self.buffer);
        Ok(Some(Line { number: self.number, bytes: Some(bytes) }))
    }

    /// Reads a line into the buffer and returns whether it fitted; none at the end of the input.
    fn fill(&mut self) -> io::Result<Option<bool>> {
        self.buffer.clear();
        if self.buffer.capacity() > 1 << 20 {
            self.buffer = Vec::new();
        }
        let mut fits = true;
        let mut any = false;
        loop {
            let available = match self.input.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if available.is_empty() {
                self.number += u64::from(any);
                return Ok(any.then_some(fits));
            }
            any = true;
            let end = memchr(available);
            let part = &available[..end.unwrap_or(available.len())];
            fits = fits && self.buffer.len() + part.len() <= MAX_LINE;
            if fits {
                self.buffer.extend_from_slice(part);
            }
            let taken = part.len() + usize::from(end.is_some());
            self.input.consume(taken);
            self.bytes_read += taken as u64;
            if end.is_some() {
                self.number += 1;
                return Ok(Some(fits));
            }
        }
    }
}

fn memchr(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|&byte| byte == b'\n')
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn read(input: &[u8], capacity: usize) -> Vec<(u64, Option<usize>)> {
        let mut lines = Lines::new(BufReader::with_capacity(capacity, input));
        let mut read = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            read.push((line.number, line.bytes.map(<[u8]>::len)));
        }
        assert_eq!(lines.bytes_read(), input.len() as u64);
        read
    }

    #[test]
    fn blank_lines_line_ends_and_the_byte_order_mark_are_left_out() {
        for capacity in [1, 3, 64] {
            assert_eq!(
                read(b"\xef\xbb\xbfab\r\n\n \t\r\nabc\nd", capacity),
                [(1, Some(2)), (4, Some(3)), (5, Some(1))]
            );
            assert_eq!(read(b"", capacity), []);
            assert_eq!(read(b"\n\n", capacity), []);
        }
    }

    #[test]
    fn a_line_too_long_is_passed_over() {
        let mut input = vec![b'x'; MAX_LINE];
        input.extend_from_slice(b"\n");
        input.extend(vec![b'y'; MAX_LINE + 1]);
        input.extend_from_slice(b"\nz\n");
        assert_eq!(read(&input, 1 << 16), [(1, Some(MAX_LINE)), (2, None), (3, Some(1))]);
    }
}
