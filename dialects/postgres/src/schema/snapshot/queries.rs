//! What is asked of the catalogs, kind by kind. Each query's rows: the table or the name itself, the name within the table,
//! whether it is ours, and the attributes as a JSON object of texts.

use polymnia::schema::ObjectKind;

/// Every query.
pub(super) const ALL: [(ObjectKind, &str); 10] = [
    (ObjectKind::Schema, SCHEMAS),
    (ObjectKind::Type, TYPES),
    (ObjectKind::Sequence, SEQUENCES),
    (ObjectKind::Function, FUNCTIONS),
    (ObjectKind::View, VIEWS),
    (ObjectKind::Table, TABLES),
    (ObjectKind::Column, COLUMNS),
    (ObjectKind::Constraint, CONSTRAINTS),
    (ObjectKind::Index, INDEXES),
    (ObjectKind::Trigger, TRIGGERS),
];

const SCHEMAS: &str = "SELECT format('%I', one.nspname), '', false, '{}' FROM pg_namespace AS one \
     WHERE one.nspname !~ '^pg_' AND one.nspname NOT IN ('information_schema', 'polymnia', 'public') \
     AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_namespace'::regclass AND objid = one.oid AND deptype = 'e')";

const TYPES: &str = "SELECT format('%I.%I', schema.nspname, one.typname), '', schema.nspname = 'polymnia', \
     jsonb_build_object( \
         'values', (SELECT string_agg(enumlabel, ', ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = one.oid), \
         'definition', CASE one.typtype \
             WHEN 'd' THEN concat('domain ', format_type(one.typbasetype, one.typtypmod), \
                 ' default ' || one.typdefault, CASE WHEN one.typnotnull THEN ' not null' END, \
                 (SELECT string_agg(format(' constraint %I check (%s)', conname, pg_get_expr(conbin, 0)), '' ORDER BY conname) \
                 FROM pg_constraint WHERE contypid = one.oid AND contype = 'c')) \
             WHEN 'r' THEN (SELECT format('range of %s', format_type(rngsubtype, NULL)) FROM pg_range WHERE rngtypid = one.oid) \
             WHEN 'c' THEN (SELECT string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum) \
                 FROM pg_attribute WHERE attrelid = one.typrelid AND attnum > 0 AND NOT attisdropped) END)::text \
     FROM pg_type AS one JOIN pg_namespace AS schema ON schema.oid = one.typnamespace \
     WHERE schema.nspname !~ '^pg_' AND schema.nspname <> 'information_schema' \
     AND (one.typtype IN ('e', 'd', 'r') \
         OR one.typtype = 'c' AND EXISTS (SELECT FROM pg_class WHERE oid = one.typrelid AND relkind = 'c')) \
     AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_type'::regclass AND objid = one.oid AND deptype = 'e')";

/// Those that belong to a column are part of it.
const SEQUENCES: &str = "SELECT format('%I.%I', schema.nspname, one.relname), '', schema.nspname = 'polymnia', \
     jsonb_build_object('type', format_type(seqtypid, NULL), \
         'start', CASE WHEN seqstart <> 1 THEN seqstart::text END, \
         'increment', CASE WHEN seqincrement <> 1 THEN seqincrement::text END, \
         'minimum', CASE WHEN seqmin <> 1 THEN seqmin::text END, \
         'maximum', CASE WHEN seqmax <> CASE seqtypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 \
             ELSE 9223372036854775807 END THEN seqmax::text END, \
         'cache', CASE WHEN seqcache <> 1 THEN seqcache::text END, 'cycle', CASE WHEN seqcycle THEN 'true' END)::text \
     FROM pg_class AS one JOIN pg_namespace AS schema ON schema.oid = one.relnamespace JOIN pg_sequence ON seqrelid = one.oid \
     WHERE schema.nspname !~ '^pg_' AND schema.nspname <> 'information_schema' \
     AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = one.oid \
         AND (deptype = 'e' OR deptype IN ('a', 'i') AND refobjsubid > 0))";

/// Several functions may have one name: the types of their arguments tell them apart.
const FUNCTIONS: &str = "SELECT format('%I.%I', schema.nspname, one.proname), oidvectortypes(one.proargtypes), \
     schema.nspname = 'polymnia', \
     jsonb_build_object( \
         'kind', CASE one.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' WHEN 'w' THEN 'window' END, \
         'arguments', nullif(pg_get_function_arguments(one.oid), ''), 'returns', pg_get_function_result(one.oid), \
         'language', (SELECT lanname FROM pg_language WHERE oid = one.prolang), \
         'volatility', CASE one.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' END, \
         'strict', CASE WHEN one.proisstrict THEN 'true' END, \
         'security', CASE WHEN one.prosecdef THEN 'definer' END, \
         'settings', (SELECT string_agg(setting, ', ' ORDER BY setting) FROM unnest(one.proconfig) AS setting), \
         'definition', coalesce(pg_get_function_sqlbody(one.oid), one.prosrc))::text \
     FROM pg_proc AS one JOIN pg_namespace AS schema ON schema.oid = one.pronamespace \
     WHERE schema.nspname !~ '^pg_' AND schema.nspname <> 'information_schema' \
     AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = one.oid AND deptype IN ('e', 'i'))";

/// Servers from 16 on don't qualify the columns of a view of one table; the name or the alias is taken away from the others.
const VIEWS: &str = "SELECT format('%I.%I', schema.nspname, one.relname), '', schema.nspname = 'polymnia', \
     jsonb_build_object( \
         'materialized', CASE one.relkind WHEN 'm' THEN 'true' END, \
         'with', (SELECT string_agg(option, ', ' ORDER BY option) FROM unnest(one.reloptions) AS option), \
         'definition', CASE WHEN tables.count = 1 THEN regexp_replace(pg_get_viewdef(one.oid), \
             concat('(^|[^[:alnum:]_.\"])(?:', concat_ws('|', tables.name, substring(pg_get_viewdef(one.oid) \
             FROM concat('FROM (?:[^ (),;]+[.])?', tables.name, ' ([[:alpha:]_\"][[:alnum:]_\"]*)'))), ')[.]'), '\\1', 'g') \
             ELSE pg_get_viewdef(one.oid) END)::text \
     FROM pg_class AS one JOIN pg_namespace AS schema ON schema.oid = one.relnamespace \
     CROSS JOIN LATERAL (SELECT count(DISTINCT used.oid), \
         max(regexp_replace(format('%I', used.relname), '[][(){}.*+?^$|\\\\]', '\\\\\\&', 'g')) AS name FROM pg_rewrite AS rule \
         JOIN pg_depend AS on_it ON on_it.classid = 'pg_rewrite'::regclass AND on_it.objid = rule.oid \
             AND on_it.refclassid = 'pg_class'::regclass AND on_it.refobjid <> one.oid \
         JOIN pg_class AS used ON used.oid = on_it.refobjid WHERE rule.ev_class = one.oid) AS tables \
     WHERE one.relkind IN ('v', 'm') AND schema.nspname !~ '^pg_' AND schema.nspname <> 'information_schema' \
     AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = one.oid AND deptype = 'e')";

/// What follows `WHERE`, of the tables that are looked at.
macro_rules! looked_at {
    () => {
        "one.relkind IN ('r', 'p', 'f') AND schema.nspname !~ '^pg_' AND schema.nspname <> 'information_schema' \
         AND NOT (schema.nspname = 'polymnia' \
             AND one.relname IN ('__diesel_schema_migrations', 'migrations', 'migration_log')) \
         AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = one.oid AND deptype = 'e')"
    };
}

const TABLES: &str = concat!(
    "SELECT format('%I.%I', schema.nspname, one.relname), '', schema.nspname = 'polymnia', \
     jsonb_build_object('options', nullif(concat_ws(', ', \
         CASE one.relkind WHEN 'f' THEN 'foreign' END, \
         CASE one.relpersistence WHEN 'u' THEN 'unlogged' END, \
         CASE one.relkind WHEN 'p' THEN 'partition by ' || pg_get_partkeydef(one.oid) END, \
         (SELECT format(CASE WHEN one.relispartition THEN 'partition of %s' ELSE 'inherits %s' END, \
             string_agg(format('%I.%I', parents.nspname, parent.relname), ', ' ORDER BY inhseqno)) \
             FROM pg_inherits JOIN pg_class AS parent ON parent.oid = inhparent \
             JOIN pg_namespace AS parents ON parents.oid = parent.relnamespace WHERE inhrelid = one.oid HAVING count(*) > 0), \
         CASE WHEN one.relispartition THEN lower(pg_get_expr(one.relpartbound, one.oid)) END, \
         CASE WHEN one.relforcerowsecurity THEN 'row security forced' WHEN one.relrowsecurity THEN 'row security' END, \
         (SELECT string_agg(option, ', ' ORDER BY option) FROM unnest(one.reloptions) AS option)), ''))::text \
     FROM pg_class AS one JOIN pg_namespace AS schema ON schema.oid = one.relnamespace WHERE ",
    looked_at!()
);

const COLUMNS: &str = concat!(
    "SELECT format('%I.%I', schema.nspname, one.relname), attribute.attname::text, schema.nspname = 'polymnia', \
     jsonb_build_object( \
         'type', format_type(attribute.atttypid, attribute.atttypmod), \
         'nullable', (NOT attribute.attnotnull)::text, \
         'default', CASE attribute.attgenerated WHEN '' THEN pg_get_expr(preset.adbin, preset.adrelid) END, \
         'generated', CASE attribute.attgenerated WHEN '' THEN NULL ELSE pg_get_expr(preset.adbin, preset.adrelid) END, \
         'generated how', CASE attribute.attgenerated WHEN 's' THEN 'stored' WHEN 'v' THEN 'virtual' END, \
         'identity', CASE attribute.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END, \
         'collation', (SELECT CASE named.nspname WHEN 'pg_catalog' THEN collname \
             ELSE format('%I.%I', named.nspname, collname) END \
             FROM pg_collation JOIN pg_namespace AS named ON named.oid = collnamespace \
             WHERE pg_collation.oid = attribute.attcollation AND attribute.attcollation <> type.typcollation))::text \
     FROM pg_class AS one JOIN pg_namespace AS schema ON schema.oid = one.relnamespace \
     JOIN pg_attribute AS attribute ON attribute.attrelid = one.oid AND attribute.attnum > 0 AND NOT attribute.attisdropped \
     JOIN pg_type AS type ON type.oid = attribute.atttypid \
     LEFT JOIN pg_attrdef AS preset ON preset.adrelid = one.oid AND preset.adnum = attribute.attnum WHERE ",
    looked_at!()
);

const CONSTRAINTS: &str = concat!(
    "SELECT format('%I.%I', schema.nspname, one.relname), rule.conname::text, schema.nspname = 'polymnia', \
     jsonb_build_object( \
         'type', CASE rule.contype WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique' WHEN 'f' THEN 'foreign key' \
             WHEN 'c' THEN 'check' ELSE 'exclude' END, \
         'columns', CASE WHEN rule.contype IN ('p', 'u', 'f') THEN (SELECT string_agg(format('%I', attname), ', ' ORDER BY place) \
             FROM unnest(rule.conkey) WITH ORDINALITY AS key (number, place) \
             JOIN pg_attribute ON attrelid = rule.conrelid AND attnum = number) END, \
         'include', (SELECT string_agg(format('%I', attname), ', ' ORDER BY place) FROM pg_index \
             CROSS JOIN unnest(indkey::smallint[]) WITH ORDINALITY AS key (number, place) \
             JOIN pg_attribute ON attrelid = rule.conrelid AND attnum = number \
             WHERE indexrelid = rule.conindid AND place > indnkeyatts AND rule.contype IN ('p', 'u')), \
         'nulls', (SELECT 'not distinct' FROM pg_index WHERE indexrelid = rule.conindid AND indnullsnotdistinct), \
         'references', CASE rule.contype WHEN 'f' THEN (SELECT format('%I.%I (%s)', parents.nspname, parent.relname, \
             (SELECT string_agg(format('%I', attname), ', ' ORDER BY place) \
             FROM unnest(rule.confkey) WITH ORDINALITY AS key (number, place) \
             JOIN pg_attribute ON attrelid = rule.confrelid AND attnum = number)) \
             FROM pg_class AS parent JOIN pg_namespace AS parents ON parents.oid = parent.relnamespace \
             WHERE parent.oid = rule.confrelid) END, \
         'match', CASE WHEN rule.contype = 'f' AND rule.confmatchtype = 'f' THEN 'full' END, \
         'on_update', CASE rule.confupdtype WHEN 'r' THEN 'restrict' WHEN 'c' THEN 'cascade' \
             WHEN 'n' THEN 'set null' WHEN 'd' THEN 'set default' END, \
         'on_delete', nullif(concat(CASE rule.confdeltype WHEN 'r' THEN 'restrict' \
             WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' WHEN 'd' THEN 'set default' END, \
             (SELECT format(' (%s)', string_agg(format('%I', attname), ', ' ORDER BY place)) \
             FROM unnest(rule.confdelsetcols) WITH ORDINALITY AS key (number, place) \
             JOIN pg_attribute ON attrelid = rule.conrelid AND attnum = number HAVING count(*) > 0)), ''), \
         'expression', CASE rule.contype WHEN 'c' THEN pg_get_expr(rule.conbin, rule.conrelid) END, \
         'definition', CASE rule.contype WHEN 'x' THEN pg_get_constraintdef(rule.oid) END, \
         'deferrable', CASE WHEN rule.condeferred THEN 'initially deferred' \
             WHEN rule.condeferrable THEN 'initially immediate' END, \
         'enforced', CASE WHEN pg_get_constraintdef(rule.oid) LIKE '% NOT ENFORCED' THEN 'false' END, \
         'valid', CASE WHEN NOT rule.convalidated THEN 'false' END)::text \
     FROM pg_class AS one JOIN pg_namespace AS schema ON schema.oid = one.relnamespace \
     JOIN pg_constraint AS rule ON rule.conrelid = one.oid AND rule.contype IN ('p', 'u', 'f', 'c', 'x') WHERE ",
    looked_at!()
);

/// Those that constraints make are part of them; declared ones come and go. Columns are parted by U+001F; what is not the default
/// of a column stands after U+001E, and before an expression stands one too.
const INDEXES: &str = concat!(
    "SELECT format('%I.%I', schema.nspname, one.relname), index.relname::text, schema.nspname = 'polymnia', \
     jsonb_build_object( \
         'method', method.amname, 'unique', CASE WHEN state.indisunique THEN 'true' END, \
         'columns', (SELECT string_agg(concat( \
             CASE WHEN state.indkey[place - 1] = 0 THEN chr(30) END, pg_get_indexdef(index.oid, place, false), chr(30), \
             (SELECT format(' collate %s', CASE named.nspname WHEN 'pg_catalog' THEN collname::text \
                 ELSE format('%I.%I', named.nspname, collname) END) \
                 FROM pg_collation JOIN pg_namespace AS named ON named.oid = collnamespace \
                 WHERE pg_collation.oid = state.indcollation[place - 1] \
                 AND pg_collation.oid <> coalesce((SELECT attcollation FROM pg_attribute \
                     WHERE attrelid = one.oid AND attnum = state.indkey[place - 1] AND attnum > 0), \
                     'pg_catalog.\"default\"'::regcollation)), \
             (SELECT format(' %s', CASE named.nspname WHEN 'pg_catalog' THEN opcname::text \
                 ELSE format('%I.%I', named.nspname, opcname) END) \
                 FROM pg_opclass JOIN pg_namespace AS named ON named.oid = opcnamespace \
                 WHERE pg_opclass.oid = state.indclass[place - 1] AND NOT opcdefault), \
             CASE WHEN state.indoption[place - 1] & 1 = 1 THEN ' desc' END, \
             CASE state.indoption[place - 1] & 3 WHEN 1 THEN ' nulls last' WHEN 2 THEN ' nulls first' END), \
             chr(31) ORDER BY place) FROM generate_series(1, state.indnkeyatts) AS place), \
         'include', (SELECT string_agg(pg_get_indexdef(index.oid, place, false), ', ' ORDER BY place) \
             FROM generate_series(state.indnkeyatts + 1, state.indnatts) AS place), \
         'where', pg_get_expr(state.indpred, state.indrelid), \
         'nulls', CASE WHEN state.indnullsnotdistinct THEN 'not distinct' END, \
         'with', (SELECT string_agg(option, ', ' ORDER BY option) FROM unnest(index.reloptions) AS option), \
         'valid', CASE WHEN NOT state.indisvalid THEN 'false' END)::text \
     FROM pg_class AS one JOIN pg_namespace AS schema ON schema.oid = one.relnamespace \
     JOIN pg_index AS state ON state.indrelid = one.oid JOIN pg_class AS index ON index.oid = state.indexrelid \
     JOIN pg_am AS method ON method.oid = index.relam \
     WHERE NOT EXISTS (SELECT FROM pg_constraint \
         WHERE conindid = index.oid AND conrelid = one.oid AND contype IN ('p', 'u', 'x')) \
     AND NOT (schema.nspname = 'polymnia' AND one.relname = 'memories' AND index.relname LIKE 'memories\\_declared\\_%') AND ",
    looked_at!()
);

const TRIGGERS: &str = concat!(
    "SELECT format('%I.%I', schema.nspname, one.relname), event.tgname::text, schema.nspname = 'polymnia', \
     jsonb_build_object( \
         'timing', CASE WHEN event.tgtype & 64 > 0 THEN 'instead of' WHEN event.tgtype & 2 > 0 THEN 'before' ELSE 'after' END, \
         'events', concat_ws(' or ', CASE WHEN event.tgtype & 4 > 0 THEN 'insert' END, \
             CASE WHEN event.tgtype & 16 > 0 THEN concat('update', (SELECT format(' of %s', \
                 string_agg(format('%I', attname), ', ' ORDER BY place)) \
                 FROM unnest(event.tgattr::smallint[]) WITH ORDINALITY AS key (number, place) \
                 JOIN pg_attribute ON attrelid = event.tgrelid AND attnum = number HAVING count(*) > 0)) END, \
             CASE WHEN event.tgtype & 8 > 0 THEN 'delete' END, CASE WHEN event.tgtype & 32 > 0 THEN 'truncate' END), \
         'level', CASE WHEN event.tgtype & 1 = 0 THEN 'statement' END, \
         'when', substring(pg_get_triggerdef(event.oid) FROM ' WHEN \\((.*)\\) EXECUTE FUNCTION '), \
         'definition', substring(pg_get_triggerdef(event.oid) FROM ' EXECUTE FUNCTION (.*)$'), \
         'enabled', CASE event.tgenabled WHEN 'D' THEN 'false' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END)::text \
     FROM pg_class AS one JOIN pg_namespace AS schema ON schema.oid = one.relnamespace \
     JOIN pg_trigger AS event ON event.tgrelid = one.oid AND NOT event.tgisinternal WHERE ",
    looked_at!()
);
