//! A plugin's reply while it is looked at.

use crate::abi::{Buffer, Plugin};

/// Is a reply, which goes back to the plugin when it is dropped: on every path, once.
#[derive(Debug)]
pub(crate) struct Reply {
    buffer: Buffer,
    free: Option<unsafe extern "C" fn(buffer: Buffer)>,
}

impl Reply {
    /// Returns a reply without bytes, to be filled by a function of the plugin with that table.
    pub(crate) fn of(table: &Plugin) -> Self {
        Self { buffer: Buffer::NONE, free: table.free }
    }

    /// Returns where the plugin writes the reply.
    pub(crate) fn place(&mut self) -> *mut Buffer {
        &raw mut self.buffer
    }

    /// Returns the bytes, unless there are more than `most` or there is a length without bytes; then nothing is read.
    pub(crate) fn bytes(&self, most: u64) -> Result<&[u8], String> {
        let Buffer { data, len, extra: _ } = self.buffer;
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(isize::MAX.cast_unsigned());
        if len > most {
            return Err(format!("a reply of {len} bytes: expected {most} at most"));
        }
        if len == 0 {
            return Ok(&[]);
        }
        if data.is_null() {
            return Err(format!("a reply of {len} bytes at no address"));
        }
        // SAFETY: the plugin says that there are that many bytes, which stay as they are until they are given back. That it
        // doesn't lie here is what loading somebody's code means.
        Ok(unsafe { std::slice::from_raw_parts(data, len) })
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        let buffer = std::mem::replace(&mut self.buffer, Buffer::NONE);
        // Bytes of length 0 may have a capacity.
        let Some(free) = self.free.filter(|_| !buffer.data.is_null()) else { return };
        // SAFETY: the function is of the plugin that filled the buffer, which is given back once.
        unsafe { free(buffer) };
    }
}
