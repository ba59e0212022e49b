//! Which changes of a type PostgreSQL makes in the catalog alone.

/// Returns whether values of the old type are values of the new one as they are stored, so that neither rows nor indexes are
/// written anew.
pub(super) fn widens(old: &str, new: &str) -> bool {
    let ((old, old_limits), (new, new_limits)) = (parts(old), parts(new));
    let grows = || match (&old_limits[..], &new_limits[..]) {
        (_, []) => true,
        ([old], [new]) => new >= old,
        // A numeric may get more digits, at the same scale.
        ([old, old_scale], [new, new_scale]) => new >= old && new_scale == old_scale,
        _ => false,
    };
    match (old.as_str(), new.as_str()) {
        ("varchar", "text") => true,
        ("text", "varchar") => new_limits.is_empty(),
        ("varchar", "varchar") | ("numeric", "numeric") | ("varbit", "varbit") => grows(),
        _ => old == new && old_limits == new_limits,
    }
}

/// Returns a type by its short name, and the numbers in its parentheses.
fn parts(ty: &str) -> (String, Vec<u32>) {
    let (name, limits) = ty.split_once('(').unwrap_or((ty, ""));
    let limits = limits.split(')').next().unwrap_or_default();
    let limits = limits.split(',').filter_map(|number| number.trim().parse().ok()).collect();
    let name = match name.trim() {
        "character varying" => "varchar",
        "bit varying" => "varbit",
        "decimal" => "numeric",
        name => name,
    };
    (name.to_owned(), limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_stored_the_same_widens() {
        for (old, new, free) in [
            ("character varying(20)", "text", true),
            ("character varying(20)", "varchar(30)", true),
            ("character varying(20)", "varchar(10)", false),
            ("character varying", "varchar(10)", false),
            ("text", "varchar", true),
            ("text", "varchar(10)", false),
            ("numeric(10,2)", "numeric(12, 2)", true),
            ("numeric(10,2)", "numeric(12,3)", false),
            ("numeric(10,2)", "numeric", true),
            ("integer", "bigint", false),
            ("text", "text", true),
        ] {
            assert_eq!(widens(old, new), free, "{old} to {new}");
        }
    }
}
