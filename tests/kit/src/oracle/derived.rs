//! What others derive from memories: the oracle has nothing of the kind, and keeps no more than what was declared.

use std::time::Duration;

use polymnia::spi::refusal;
use polymnia::{Access, Explanation, IndexDeclaration, IndexStatus, Result};

/// Tells that every memory was looked at.
pub(super) fn explanation(candidates: u64, rows: u64, elapsed: Duration) -> Explanation {
    Explanation {
        dialect: "oracle".to_owned(),
        access: Access::Scan,
        index: None,
        streamed: false,
        estimated_candidates: None,
        candidates,
        rechecks: candidates,
        rows,
        elapsed,
        emulated: Vec::new(),
        statements: Vec::new(),
        details: Vec::new(),
    }
}

/// Adds a declaration that contradicts none.
pub(super) fn declare(indexes: &mut Vec<IndexDeclaration>, new: &IndexDeclaration) -> Result<()> {
    if indexes.contains(new) {
        return Ok(());
    }
    if indexes.iter().any(|index| index.name == new.name) {
        return Err(refusal::index_name_taken(&new.name));
    }
    if let Some(same) = indexes.iter().find(|index| index.path == new.path && index.kind == new.kind) {
        return Err(refusal::index_exists(&same.name));
    }
    if indexes.len() >= IndexDeclaration::MAX {
        return Err(refusal::too_many_indexes());
    }
    indexes.push(new.clone());
    Ok(())
}

/// Lists declarations by name.
pub(super) fn listed(indexes: &[IndexDeclaration]) -> Vec<IndexStatus> {
    let status = |index: &IndexDeclaration| IndexStatus { declaration: index.clone(), ready: true, entries: None };
    let mut listed: Vec<IndexStatus> = indexes.iter().map(status).collect();
    listed.sort_by(|left, right| left.declaration.name.cmp(&right.declaration.name));
    listed
}
