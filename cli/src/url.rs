//! URLs of files.

use std::path::Path;

use polymnia::ConnectionString;

/// Returns the URL of an absolute path; none if the path isn't UTF-8.
pub(crate) fn of_file(scheme: &str, path: &Path) -> Option<ConnectionString> {
    let mut url = format!("{scheme}://");
    for c in path.to_str()?.chars() {
        match c {
            '%' => url.push_str("%25"),
            '?' => url.push_str("%3F"),
            '#' => url.push_str("%23"),
            c if c.is_control() || c == ' ' => {
                // ASCII, or the C1 controls, which take two bytes of UTF-8.
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    url.push('%');
                    url.extend(hexadecimal(byte));
                }
            }
            c => url.push(c),
        }
    }
    Some(url.into())
}

fn hexadecimal(byte: u8) -> [char; 2] {
    [byte >> 4, byte & 15].map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or('0').to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_back() {
        let path = "/tmp/a b%41?#é/日本\u{9b}.db";
        let url = of_file("sqlite", Path::new(path)).unwrap();
        assert_eq!(url.expose(), "sqlite:///tmp/a%20b%2541%3F%23é/日本%C2%9B.db");
        assert_eq!(polymnia::percent_decode(url.expose().strip_prefix("sqlite://").unwrap()).unwrap(), path);
    }
}
