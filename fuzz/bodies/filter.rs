//! Any text as the JSON form of a filter.

use polymnia::filter::FilterMatcher;
use polymnia::{ErrorKind, Filter, Json};

/// Reads the text. What is a filter must read back from what it prints; what is none has an error with a place in the text.
pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let filter = match Filter::parse(text) {
        Ok(filter) => filter,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(!error.to_string().contains(char::is_control), "the message has control characters");
            let number = |key| error.context_value(key).expect("a place").parse::<usize>().expect("a number");
            let line = text.split('\n').nth(number("line") - 1).expect("a line of the text");
            assert!((1..=line.chars().count() + 1).contains(&number("column")), "a column of the line");
            return;
        }
    };
    filter.check().expect("what is read is within the limits");
    let printed = filter.to_json();
    let read = Filter::parse(printed.as_str()).expect("what is printed is read");
    assert_eq!(read, filter);
    assert_eq!(read.to_json(), printed);
    // Past the limits of JSON only if the JSON in it is large or deep.
    if let Ok(canonical) = Json::parse(printed.as_str()) {
        assert_eq!(canonical, printed);
    }
    assert_eq!(FilterMatcher::new(&filter).is_ok(), filter.is_metadata_only());
}
