//! Which operations a plugin does.

/// Is a set of operation codes. Codes that this version gives no meaning are not kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OperationSet(u128);

impl OperationSet {
    /// Returns the set of these codes.
    pub(crate) fn of(codes: &[u32]) -> Self {
        Self(codes.iter().fold(0, |set, code| set | bit(*code)))
    }

    /// Returns whether the code is in the set.
    pub(crate) fn contains(self, code: u32) -> bool {
        self.0 & bit(code) != 0
    }
}

fn bit(code: u32) -> u128 {
    1_u128.checked_shl(code).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation;

    #[test]
    fn every_operation_has_its_place() {
        for (code, name) in operation::ALL {
            let set = OperationSet::of(&[*code]);
            assert!(set.contains(*code), "{name} has the code {code}: the set ends at 127");
            assert_eq!(operation::ALL.iter().filter(|(code, _)| set.contains(*code)).count(), 1);
        }
        assert!(!OperationSet::of(&[128, 160, u32::MAX]).contains(u32::MAX));
    }
}
