/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migrations: the schema, in numbered steps that never change once released.
 *
 * The dialect is what SQLite and PostgreSQL share: BIGINT, TEXT and BYTEA
 * columns, no sequences, no database clock. Every tenant table's key begins
 * with the tenant. Booleans are BIGINT 0 or 1, lists of texts are one TEXT with
 * line feeds, lists of bytes one BYTEA (see table.h).
 */
#include "base/bug.h"
#include "base/sbuf.h"
#include "store/report_convert.h"
#include "store/store.h"
#include "store/table.h"

#include "base/poison.h"

#define STEP_MAX ((size_t)1 << 20)
/* Stands for what db.h has for it, once in a step. */
#define IN_KEY_ORDER "@"

static const char step_1[] =
	"CREATE TABLE meta ("
	" name TEXT NOT NULL PRIMARY KEY,"
	" value TEXT NOT NULL);"

	"CREATE TABLE tenant ("
	" id TEXT NOT NULL PRIMARY KEY,"
	" name TEXT NOT NULL,"
	" created BIGINT NOT NULL);"
	"INSERT INTO tenant (id, name, created) VALUES"
	" ('default', 'default', 0), ('system', 'system hosts', 0);"

	"CREATE TABLE label ("
	" label TEXT NOT NULL PRIMARY KEY,"
	" tenant TEXT NOT NULL REFERENCES tenant (id),"
	" domain TEXT NOT NULL);"
	"CREATE INDEX label_domain ON label (tenant, domain);"

	"CREATE TABLE domain ("
	" tenant TEXT NOT NULL REFERENCES tenant (id),"
	" name TEXT NOT NULL,"
	" label TEXT NOT NULL,"
	" token TEXT NOT NULL,"
	" created BIGINT NOT NULL,"
	" mode BIGINT NOT NULL,"
	" max_age BIGINT NOT NULL,"
	" mx TEXT NOT NULL,"
	" mx_confirmed BIGINT NOT NULL,"
	" rua_extra TEXT NOT NULL,"
	" rua_mail BIGINT NOT NULL,"
	" rua_https BIGINT NOT NULL,"
	" policy_id TEXT NOT NULL,"
	" policy_body TEXT NOT NULL,"
	" policy_since BIGINT NOT NULL,"
	" policy_seq BIGINT NOT NULL,"
	" dns_id TEXT NOT NULL,"
	" not_none_until BIGINT NOT NULL,"
	" retiring BIGINT NOT NULL,"
	" removed BIGINT NOT NULL,"
	" mx_proposed TEXT NOT NULL,"
	" mx_proposed_at BIGINT NOT NULL,"
	" proof BIGINT NOT NULL,"
	" proof_since BIGINT NOT NULL,"
	" proof_checked BIGINT NOT NULL,"
	" proof_next BIGINT NOT NULL,"
	" proof_tries BIGINT NOT NULL,"
	" proof_detail TEXT NOT NULL,"
	" cname_host_state BIGINT NOT NULL,"
	" cname_host_found TEXT NOT NULL,"
	" cname_sts_state BIGINT NOT NULL,"
	" cname_sts_found TEXT NOT NULL,"
	" cname_tlsrpt_state BIGINT NOT NULL,"
	" cname_tlsrpt_found TEXT NOT NULL,"
	" cname_acme_state BIGINT NOT NULL,"
	" cname_acme_found TEXT NOT NULL,"
	" served_since BIGINT NOT NULL,"
	" attention TEXT NOT NULL,"
	" PRIMARY KEY (tenant, name));"
	"CREATE INDEX domain_name ON domain (name);"
	"CREATE INDEX domain_check ON domain (proof_next) WHERE removed = 0;"
	"CREATE INDEX domain_flip ON domain (policy_seq)"
	" WHERE removed = 0 AND dns_id <> policy_id;"
	"CREATE INDEX domain_retiring ON domain (not_none_until)"
	" WHERE removed = 0 AND retiring > 0;"

	"CREATE TABLE policy ("
	" tenant TEXT NOT NULL REFERENCES tenant (id),"
	" domain TEXT NOT NULL,"
	" id TEXT NOT NULL,"
	" body TEXT NOT NULL,"
	" mode BIGINT NOT NULL,"
	" max_age BIGINT NOT NULL,"
	" since BIGINT NOT NULL,"
	" actor TEXT NOT NULL,"
	" reason TEXT NOT NULL,"
	" PRIMARY KEY (tenant, domain, id));"

	"CREATE TABLE cert ("
	" tenant TEXT NOT NULL REFERENCES tenant (id),"
	" host TEXT NOT NULL,"
	" id TEXT NOT NULL,"
	" is_current BIGINT NOT NULL DEFAULT 1,"
	" not_before BIGINT NOT NULL,"
	" not_after BIGINT NOT NULL,"
	" created BIGINT NOT NULL,"
	" issuer TEXT NOT NULL,"
	" serial TEXT NOT NULL,"
	" source TEXT NOT NULL,"
	" directory TEXT NOT NULL,"
	" ari_start BIGINT NOT NULL,"
	" ari_end BIGINT NOT NULL,"
	" ari_next BIGINT NOT NULL,"
	" ari_url TEXT NOT NULL,"
	" renew_at BIGINT NOT NULL,"
	" chain BYTEA NOT NULL,"
	" key_sealed BYTEA NOT NULL,"
	" PRIMARY KEY (tenant, host, id));"
	"CREATE UNIQUE INDEX cert_current ON cert (tenant, host)"
	" WHERE is_current = 1;"
	"CREATE INDEX cert_renew ON cert (renew_at) WHERE is_current = 1;"
	"CREATE INDEX cert_ari ON cert (ari_next) WHERE is_current = 1;"

	"CREATE TABLE acme_account ("
	" directory TEXT NOT NULL PRIMARY KEY,"
	" url TEXT NOT NULL,"
	" key_sealed BYTEA NOT NULL,"
	" contact TEXT NOT NULL,"
	" tos TEXT NOT NULL,"
	" status TEXT NOT NULL,"
	" created BIGINT NOT NULL);"

	"CREATE TABLE acme_order ("
	" id TEXT NOT NULL PRIMARY KEY,"
	" tenant TEXT NOT NULL REFERENCES tenant (id),"
	" host TEXT NOT NULL,"
	" directory TEXT NOT NULL,"
	" profile TEXT NOT NULL,"
	" reason TEXT NOT NULL,"
	" replaces TEXT NOT NULL,"
	" state BIGINT NOT NULL,"
	" url TEXT NOT NULL,"
	" finalize_url TEXT NOT NULL,"
	" cert_url TEXT NOT NULL,"
	" key_sealed BYTEA NOT NULL,"
	" challenge TEXT NOT NULL,"
	" authz_url TEXT NOT NULL,"
	" challenge_url TEXT NOT NULL,"
	" token TEXT NOT NULL,"
	" challenge_seq BIGINT NOT NULL,"
	" attempts BIGINT NOT NULL,"
	" next_at BIGINT NOT NULL,"
	" created BIGINT NOT NULL,"
	" updated BIGINT NOT NULL,"
	" expires BIGINT NOT NULL,"
	" problem_type TEXT NOT NULL,"
	" problem_detail TEXT NOT NULL,"
	" problem_at BIGINT NOT NULL,"
	" cert_id TEXT NOT NULL);"
	"CREATE UNIQUE INDEX acme_order_open ON acme_order (tenant, host)"
	" WHERE state < 7;"
	"CREATE INDEX acme_order_due ON acme_order (next_at) WHERE state < 7;"
	"CREATE INDEX acme_order_host ON acme_order (tenant, host, id);"

	"CREATE TABLE acme_bucket ("
	" name TEXT NOT NULL PRIMARY KEY,"
	" level_milli BIGINT NOT NULL,"
	" at BIGINT NOT NULL);"

	"CREATE TABLE challenge ("
	" tenant TEXT NOT NULL REFERENCES tenant (id),"
	" host TEXT NOT NULL,"
	" type BIGINT NOT NULL,"
	" token TEXT NOT NULL,"
	" value TEXT NOT NULL,"
	" cert_der BYTEA NOT NULL,"
	" key_sealed BYTEA NOT NULL,"
	" expires BIGINT NOT NULL,"
	" order_id TEXT NOT NULL,"
	" PRIMARY KEY (tenant, host, type, token));"
	"CREATE INDEX challenge_order ON challenge (order_id);"
	"CREATE INDEX challenge_expires ON challenge (expires);"

	"CREATE TABLE report ("
	" tenant TEXT NOT NULL REFERENCES tenant (id),"
	" id TEXT NOT NULL,"
	" domain TEXT NOT NULL,"
	" org TEXT NOT NULL,"
	" report_id TEXT NOT NULL,"
	" contact TEXT NOT NULL,"
	" begins BIGINT NOT NULL,"
	" ends BIGINT NOT NULL,"
	" received BIGINT NOT NULL,"
	" via TEXT NOT NULL,"
	" proof TEXT NOT NULL,"
	" raw_name TEXT NOT NULL,"
	" raw_sha256 TEXT NOT NULL,"
	" quirks TEXT NOT NULL,"
	" PRIMARY KEY (tenant, id));"
	"CREATE INDEX report_same ON report"
	" (tenant, domain, org, report_id, begins, ends);"
	"CREATE INDEX report_received ON report (received);"

	"CREATE TABLE report_policy ("
	" tenant TEXT NOT NULL,"
	" report TEXT NOT NULL,"
	" policy_no BIGINT NOT NULL,"
	" type TEXT NOT NULL,"
	" domain TEXT NOT NULL,"
	" strings BYTEA NOT NULL,"
	" mx BYTEA NOT NULL,"
	" ok BIGINT NOT NULL,"
	" failed BIGINT NOT NULL,"
	" PRIMARY KEY (tenant, report, policy_no),"
	" FOREIGN KEY (tenant, report) REFERENCES report (tenant, id)"
	" ON DELETE CASCADE);"

	"CREATE TABLE report_failure ("
	" tenant TEXT NOT NULL,"
	" report TEXT NOT NULL,"
	" policy_no BIGINT NOT NULL,"
	" failure_no BIGINT NOT NULL,"
	" result_type TEXT NOT NULL,"
	" sending_ip TEXT NOT NULL,"
	" receiving_host TEXT NOT NULL,"
	" receiving_helo TEXT NOT NULL,"
	" receiving_ip TEXT NOT NULL,"
	" reason_code TEXT NOT NULL,"
	" info_uri TEXT NOT NULL,"
	" sessions BIGINT NOT NULL,"
	" PRIMARY KEY (tenant, report, policy_no, failure_no),"
	" FOREIGN KEY (tenant, report, policy_no) REFERENCES report_policy"
	" (tenant, report, policy_no) ON DELETE CASCADE);"

	"CREATE TABLE bad_report ("
	" name TEXT NOT NULL PRIMARY KEY,"
	" via TEXT NOT NULL,"
	" label TEXT NOT NULL,"
	" remote TEXT NOT NULL,"
	" received BIGINT NOT NULL,"
	" bytes BIGINT NOT NULL,"
	" reason TEXT NOT NULL);"

	"CREATE TABLE change_counter ("
	" one BIGINT NOT NULL PRIMARY KEY,"
	" seq BIGINT NOT NULL);"
	"INSERT INTO change_counter (one, seq) VALUES (1, 0);"
	"CREATE TABLE change ("
	" seq BIGINT NOT NULL PRIMARY KEY,"
	" kind BIGINT NOT NULL,"
	" tenant TEXT NOT NULL,"
	" item TEXT NOT NULL,"
	" at BIGINT NOT NULL);"

	"CREATE TABLE node ("
	" name TEXT NOT NULL PRIMARY KEY,"
	" applied_seq BIGINT NOT NULL,"
	" seen BIGINT NOT NULL,"
	" zone_serial BIGINT NOT NULL);"
	"CREATE TABLE lease ("
	" name TEXT NOT NULL PRIMARY KEY,"
	" holder TEXT NOT NULL,"
	" expires BIGINT NOT NULL);"

	"CREATE TABLE audit ("
	" id TEXT NOT NULL PRIMARY KEY,"
	" tenant TEXT NOT NULL,"
	" at BIGINT NOT NULL,"
	" actor TEXT NOT NULL,"
	" action TEXT NOT NULL,"
	" object TEXT NOT NULL,"
	" detail TEXT NOT NULL);"
	"CREATE INDEX audit_object ON audit (tenant, object, id);";

/* What is dropped for its age is found by its age. */
static const char step_2[] =
	"CREATE INDEX report_raw ON report (raw_name);"
	"CREATE INDEX bad_report_received ON bad_report (received);"
	"CREATE INDEX cert_ended ON cert (not_after) WHERE is_current = 0;"
	"CREATE INDEX acme_order_finished ON acme_order (updated)"
	" WHERE state >= 7;";

/* Enforce waits for a look-up of the MX hosts that went well. */
static const char step_3[] =
	"ALTER TABLE domain ADD COLUMN mx_checked BIGINT NOT NULL DEFAULT 0;";

/* What a report's signature came to, and what becomes of those without. */
static const char step_4[] =
	"ALTER TABLE report ADD COLUMN state BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE report ADD COLUMN dkim TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE report ADD COLUMN dkim_domain TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE report ADD COLUMN dkim_aligned BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE report ADD COLUMN why TEXT NOT NULL DEFAULT '';"
	"CREATE INDEX report_state ON report (tenant, state, id);"
	"ALTER TABLE tenant ADD COLUMN unproven_mail BIGINT NOT NULL DEFAULT 1;"
	"ALTER TABLE tenant ADD COLUMN unproven_post BIGINT NOT NULL DEFAULT "
	"0;";

/* What reports add up to, and how long each tenant keeps what. */
static const char step_5[] =
	"ALTER TABLE report ADD COLUMN counted BIGINT NOT NULL DEFAULT 0;"
	"CREATE INDEX report_uncounted ON report (tenant, id)"
	" WHERE counted = 0 AND state = 0;"
	"CREATE INDEX report_detail ON report (tenant, received)"
	" WHERE counted < 2;"
	"CREATE INDEX report_settled ON report (tenant, begins)"
	" WHERE counted = 2;"
	"CREATE INDEX report_failure_result ON report_failure"
	" (tenant, result_type, report);"
	"CREATE TABLE rollup ("
	" tenant TEXT NOT NULL,"
	" domain TEXT NOT NULL,"
	" kind BIGINT NOT NULL,"
	" day BIGINT NOT NULL,"
	" unproven BIGINT NOT NULL,"
	" policy_type TEXT NOT NULL,"
	" k1 TEXT NOT NULL,"
	" k2 TEXT NOT NULL,"
	" k3 TEXT NOT NULL,"
	" family BIGINT NOT NULL,"
	" n BIGINT NOT NULL,"
	" ok BIGINT NOT NULL,"
	" failed BIGINT NOT NULL,"
	" PRIMARY KEY (tenant, domain, kind, day, unproven, policy_type, k1,"
	" k2, k3));"
	"CREATE INDEX rollup_day ON rollup (tenant, day);"
	"ALTER TABLE tenant ADD COLUMN keep_raw BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE tenant ADD COLUMN keep_detail BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE tenant ADD COLUMN keep_totals BIGINT NOT NULL DEFAULT 0;";

/* Alerts, what is said about them, and reports by when they came. */
static const char step_6[] =
	"CREATE TABLE alert ("
	" tenant TEXT NOT NULL REFERENCES tenant (id),"
	" id TEXT NOT NULL,"
	" kind BIGINT NOT NULL,"
	" domain TEXT NOT NULL,"
	" item TEXT NOT NULL,"
	" state BIGINT NOT NULL,"
	" opened BIGINT NOT NULL,"
	" closed BIGINT NOT NULL,"
	" acknowledged BIGINT NOT NULL,"
	" actor TEXT NOT NULL,"
	" what TEXT NOT NULL,"
	" PRIMARY KEY (tenant, id));"
	"CREATE INDEX alert_about ON alert (tenant, kind, domain, item);"
	"CREATE UNIQUE INDEX alert_unclosed ON alert"
	" (tenant, domain, kind, item) WHERE state < 2;"
	"CREATE TABLE notice ("
	" id TEXT NOT NULL PRIMARY KEY,"
	" tenant TEXT NOT NULL,"
	" alert TEXT NOT NULL,"
	" channel TEXT NOT NULL,"
	" event TEXT NOT NULL,"
	" state BIGINT NOT NULL,"
	" attempts BIGINT NOT NULL,"
	" next_at BIGINT NOT NULL,"
	" created BIGINT NOT NULL,"
	" done BIGINT NOT NULL,"
	" error TEXT NOT NULL);"
	"CREATE INDEX notice_due ON notice (next_at) WHERE state = 0;"
	"CREATE INDEX notice_alert ON notice (tenant, alert);"
	"CREATE INDEX notice_sent ON notice (channel, done) WHERE state = 1;"
	"CREATE INDEX report_by_id ON report (id);"
	"CREATE INDEX report_came ON report (tenant, domain, received);";

/* Who is told, digests, and the names of sending servers. */
static const char step_7[] =
	"CREATE TABLE recipient ("
	" tenant TEXT NOT NULL REFERENCES tenant (id),"
	" channel TEXT NOT NULL,"
	" target TEXT NOT NULL,"
	" id TEXT NOT NULL,"
	" created BIGINT NOT NULL,"
	" PRIMARY KEY (tenant, channel, target));"
	"ALTER TABLE tenant ADD COLUMN quiet TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE tenant ADD COLUMN digest BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE tenant ADD COLUMN digest_day BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE tenant ADD COLUMN digest_week BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE notice ADD COLUMN target TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE notice ADD COLUMN day BIGINT NOT NULL DEFAULT 0;"
	"DROP INDEX notice_sent;"
	"CREATE INDEX notice_sent ON notice (tenant, channel, target, done)"
	" WHERE state = 1;"
	"CREATE TABLE reverse_name ("
	" address TEXT NOT NULL PRIMARY KEY,"
	" name TEXT NOT NULL,"
	" state BIGINT NOT NULL,"
	" looked BIGINT NOT NULL);"
	"CREATE INDEX reverse_name_looked ON reverse_name (looked);";

/* How far mailboxes of the settings are read, and trials of them. */
static const char step_8[] = "CREATE TABLE mailbox ("
			     " name TEXT NOT NULL PRIMARY KEY,"
			     " uidvalidity BIGINT NOT NULL,"
			     " pending TEXT NOT NULL,"
			     " tried BIGINT NOT NULL,"
			     " pulled BIGINT NOT NULL,"
			     " failures BIGINT NOT NULL,"
			     " taken BIGINT NOT NULL,"
			     " left_there BIGINT NOT NULL,"
			     " error TEXT NOT NULL);"
			     "CREATE TABLE mailbox_trial ("
			     " name TEXT NOT NULL PRIMARY KEY,"
			     " asked BIGINT NOT NULL,"
			     " done BIGINT NOT NULL,"
			     " error TEXT NOT NULL);";

/* What a sum is about stands once, and a year of its days is little to read. */
static const char step_9[] =
	"CREATE TABLE series ("
	" tenant TEXT NOT NULL,"
	" id BIGINT NOT NULL,"
	" domain TEXT NOT NULL,"
	" kind BIGINT NOT NULL,"
	" policy_type TEXT NOT NULL,"
	" unproven BIGINT NOT NULL,"
	" k1 TEXT NOT NULL,"
	" k2 TEXT NOT NULL,"
	" k3 TEXT NOT NULL,"
	" family BIGINT NOT NULL,"
	" PRIMARY KEY (tenant, id));"
	"INSERT INTO series (tenant, id, domain, kind, policy_type, unproven,"
	" k1, k2, k3, family) SELECT tenant, ROW_NUMBER() OVER (ORDER BY"
	" tenant), domain, kind, policy_type, unproven, k1, k2, k3, MIN(family)"
	" FROM rollup GROUP BY tenant, domain, kind, policy_type, unproven, k1,"
	" k2, k3;"
	"CREATE UNIQUE INDEX series_key ON series"
	" (tenant, domain, kind, policy_type, unproven, k1, k2, k3);"
	"DROP INDEX rollup_day;"
	"ALTER TABLE rollup RENAME TO rollup_before;"
	"CREATE TABLE rollup ("
	" tenant TEXT NOT NULL,"
	" series BIGINT NOT NULL,"
	" day BIGINT NOT NULL,"
	" n BIGINT NOT NULL,"
	" ok BIGINT NOT NULL,"
	" failed BIGINT NOT NULL,"
	" PRIMARY KEY (tenant, series, day)) " IN_KEY_ORDER ";"
	"INSERT INTO rollup (tenant, series, day, n, ok, failed)"
	" SELECT b.tenant, s.id, b.day, b.n, b.ok, b.failed"
	" FROM rollup_before b JOIN series s ON s.tenant = b.tenant"
	" AND s.domain = b.domain AND s.kind = b.kind"
	" AND s.policy_type = b.policy_type AND s.unproven = b.unproven"
	" AND s.k1 = b.k1 AND s.k2 = b.k2 AND s.k3 = b.k3;"
	"CREATE INDEX rollup_day ON rollup (tenant, day);"
	"DROP TABLE rollup_before;";

/* What sums call the reporter; of older reports: the organisation. */
static const char step_10[] =
	"ALTER TABLE report ADD COLUMN reporter TEXT NOT NULL DEFAULT '';";

/* Policies and failures of a report as one value: before it is made of rows. */
static const char step_11[] =
	"ALTER TABLE report ADD COLUMN ok BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE report ADD COLUMN failed BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE report ADD COLUMN body BYTEA NOT NULL DEFAULT '';"
	"CREATE TABLE report_result ("
	" tenant TEXT NOT NULL,"
	" report TEXT NOT NULL,"
	" result_type TEXT NOT NULL,"
	" failed BIGINT NOT NULL,"
	" PRIMARY KEY (tenant, report, result_type),"
	" FOREIGN KEY (tenant, report) REFERENCES report (tenant, id)"
	" ON DELETE CASCADE) " IN_KEY_ORDER ";";

/* And after it. The other indexes are those that some query needs. */
static const char step_11_after[] =
	"DROP TABLE report_failure;"
	"DROP TABLE report_policy;"
	"CREATE INDEX report_result_type ON report_result"
	" (tenant, result_type, report);"
	"DROP INDEX report_same;"
	"CREATE INDEX report_same ON report (tenant, domain, begins,"
	" report_id);"
	"DROP INDEX report_state;"
	"CREATE INDEX report_apart ON report (tenant, id)"
	" WHERE state > 0;"
	"DROP INDEX report_received;"
	"DROP INDEX report_by_id;"
	"DROP INDEX rollup_day;";

static const struct {
	const char *script;
	enum status (*convert)(struct store *s, struct err *e); /* or NULL */
	const char *after;
} steps[] = {
	{ .script = step_1 },
	{ .script = step_2 },
	{ .script = step_3 },
	{ .script = step_4 },
	{ .script = step_5 },
	{ .script = step_6 },
	{ .script = step_7 },
	{ .script = step_8 },
	{ .script = step_9 },
	{ .script = step_10 },
	{ step_11, report_convert_bodies, step_11_after },
};
#define STEPS ((int64_t)(sizeof(steps) / sizeof(steps[0])))

/* With the engine's word for IN_KEY_ORDER. */
static const char *step_text(struct store *s, struct arena *a, const char *step)
{
	struct sbuf b = sbuf_arena(a, STEP_MAX);
	struct str rest = str_of(step);

	sbuf_add(&b, str_cut(&rest, IN_KEY_ORDER[0]));
	if (rest.p != NULL) {
		sbuf_addz(&b, store_in_key_order(s));
		sbuf_add(&b, rest);
	}
	sbuf_addc(&b, '\0');
	BUG(!sbuf_ok(&b));
	return b.p;
}

static enum status apply(
	struct store *s, struct arena *a, int64_t from, struct err *e)
{
	enum status st = ST_OK;

	for (int64_t i = from; st == ST_OK && i < STEPS; i++) {
		st = store_script(s, step_text(s, a, steps[i].script), e);
		if (st == ST_OK && steps[i].convert != NULL)
			st = steps[i].convert(s, e);
		if (st == ST_OK && steps[i].after != NULL)
			st = store_script(s, steps[i].after, e);
		if (st == ST_OK)
			st = store_run(s,
				"INSERT INTO schema_version (version) "
				"VALUES ($1)",
				ARGS(DB_I(i + 1)), NULL, e);
		if (st != ST_OK)
			err_prefix(e, "schema step %lld", (long long)i + 1);
	}
	return st;
}

enum status store_migrate(struct store *s, struct err *e)
{
	struct arena *a = arena_must(0);
	int64_t version = 0;
	enum status st;

	st = store_script(s,
		"CREATE TABLE IF NOT EXISTS schema_version ("
		" version BIGINT NOT NULL PRIMARY KEY)",
		e);
	/* The write lock first: two processes may start at the same time. */
	if (st == ST_OK)
		st = store_begin(s, e);
	if (st != ST_OK)
		goto out;
	st = store_ints(s,
		"SELECT COALESCE(MAX(version), 0) FROM schema_version", NO_ARGS,
		&version, 1, e);
	if (st == ST_OK && version > STEPS)
		st = err_set(e, ST_PERM,
			"the database has schema %lld, this moat knows %lld: "
			"a newer moat has used it",
			(long long)version, (long long)STEPS);
	if (st == ST_OK)
		st = apply(s, a, version, e);
	st = store_leave(s, true, st, e);
out:
	arena_free(&a);
	return st;
}
