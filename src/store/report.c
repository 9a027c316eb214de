/* SPDX-License-Identifier: Apache-2.0 */
/* report: TLS reports taken in, with their policies and failures. */
#include "proto/tlsrpt_text.h"
#include "store/rollup.h"
#include "store/store.h"
#include "store/table.h"

#include "base/poison.h"

#define AT(member) offsetof(struct store_report, member)

static const struct column columns[] = {
	COLUMN("tenant", COL_TEXT, AT(tenant)),
	COLUMN("id", COL_TEXT, AT(id)),
	COLUMN("domain", COL_TEXT, AT(domain)),
	COLUMN("org", COL_TEXT, AT(org)),
	COLUMN("reporter", COL_TEXT, AT(reporter)),
	COLUMN("report_id", COL_TEXT, AT(report_id)),
	COLUMN("contact", COL_TEXT, AT(contact)),
	COLUMN("begins", COL_INT, AT(begin)),
	COLUMN("ends", COL_INT, AT(end)),
	COLUMN("received", COL_INT, AT(received)),
	COLUMN("via", COL_TEXT, AT(via)),
	COLUMN("proof", COL_TEXT, AT(proof)),
	COLUMN("raw_name", COL_TEXT, AT(raw_name)),
	COLUMN("raw_sha256", COL_TEXT, AT(raw_sha256)),
	COLUMN("quirks", COL_TEXT, AT(quirks)),
	COLUMN_ENUM("state", AT(state), STORE_REPORT_STATES - 1),
	COLUMN("dkim", COL_TEXT, AT(dkim)),
	COLUMN("dkim_domain", COL_TEXT, AT(dkim_domain)),
	COLUMN("dkim_aligned", COL_BOOL, AT(dkim_aligned)),
	COLUMN("why", COL_WORDS, AT(why)),
	COLUMN_ENUM("counted", AT(counted), STORE_REPORT_SETTLED),
};
static const struct table report = TABLE(
	"report", struct store_report, columns, 2);

/* A policy or a failure together with where it stands. */
struct policy_row {
	struct str tenant, report;
	int64_t policy_no;
	struct store_report_policy policy;
};

static const struct column policy_columns[] = {
	COLUMN("tenant", COL_TEXT, offsetof(struct policy_row, tenant)),
	COLUMN("report", COL_TEXT, offsetof(struct policy_row, report)),
	COLUMN("policy_no", COL_INT, offsetof(struct policy_row, policy_no)),
	COLUMN("type", COL_TEXT, offsetof(struct policy_row, policy.type)),
	COLUMN("domain", COL_TEXT, offsetof(struct policy_row, policy.domain)),
	COLUMN("strings", COL_BLOBS,
		offsetof(struct policy_row, policy.strings)),
	COLUMN("mx", COL_BLOBS, offsetof(struct policy_row, policy.mx)),
	COLUMN("ok", COL_INT, offsetof(struct policy_row, policy.ok)),
	COLUMN("failed", COL_INT, offsetof(struct policy_row, policy.failed)),
};
static const struct table policy_table = TABLE(
	"report_policy", struct policy_row, policy_columns, 3);

struct failure_row {
	struct str tenant, report;
	int64_t policy_no, failure_no;
	struct store_report_failure failure;
};

#define FAILURE(member) offsetof(struct failure_row, failure.member)

static const struct column failure_columns[] = {
	COLUMN("tenant", COL_TEXT, offsetof(struct failure_row, tenant)),
	COLUMN("report", COL_TEXT, offsetof(struct failure_row, report)),
	COLUMN("policy_no", COL_INT, offsetof(struct failure_row, policy_no)),
	COLUMN("failure_no", COL_INT, offsetof(struct failure_row, failure_no)),
	COLUMN("result_type", COL_TEXT, FAILURE(result_type)),
	COLUMN("sending_ip", COL_TEXT, FAILURE(sending_ip)),
	COLUMN("receiving_host", COL_TEXT, FAILURE(receiving_host)),
	COLUMN("receiving_helo", COL_TEXT, FAILURE(receiving_helo)),
	COLUMN("receiving_ip", COL_TEXT, FAILURE(receiving_ip)),
	COLUMN("reason_code", COL_TEXT, FAILURE(reason_code)),
	COLUMN("info_uri", COL_TEXT, FAILURE(info_uri)),
	COLUMN("sessions", COL_INT, FAILURE(sessions)),
};
static const struct table failure_table = TABLE(
	"report_failure", struct failure_row, failure_columns, 4);

static enum status add_policy(
	struct store *s, const struct store_report *r, size_t no, struct err *e)
{
	const struct store_report_policy *p = &r->policies[no];
	struct policy_row row = { r->tenant, r->id, (int64_t)no, *p };
	enum status st = table_insert(s, &policy_table, &row, e);

	for (size_t i = 0; st == ST_OK && i < p->n_failures; i++) {
		struct failure_row f = { r->tenant, r->id, (int64_t)no,
			(int64_t)i, p->failures[i] };

		st = table_insert(s, &failure_table, &f, e);
	}
	return st;
}

const char *store_report_state_name(enum store_report_state state)
{
	static const char *const names[] = {
		[STORE_REPORT_ACCEPTED] = "accepted",
		[STORE_REPORT_QUARANTINED] = "quarantined",
		[STORE_REPORT_IGNORED] = "ignored",
	};

	return names[state];
}

#define DKIM "dkim:"

enum { UNAUTHENTICATED, IMPORTED, SIGNED };

static int proof_level(struct str proof)
{
	if (str_starts(proof, STR(DKIM)))
		return SIGNED;
	return str_eq(proof, STR("import")) ? IMPORTED : UNAUTHENTICATED;
}

/*
 * Does the row that is there make the new one superfluous? A signature speaks
 * for its own domain: anybody can sign a report that names another sender.
 */
static bool covers(const struct store_report *old, const struct store_report *r)
{
	int level = proof_level(r->proof);

	/* A signed report about another domain, sent on to this one, may have
	 * the ID of one that is about it. */
	if (old->state != STORE_REPORT_ACCEPTED &&
		r->state == STORE_REPORT_ACCEPTED)
		return str_eq(old->raw_sha256, r->raw_sha256);
	switch (proof_level(old->proof)) {
	case UNAUTHENTICATED:
		return level == UNAUTHENTICATED &&
		       str_eq(old->raw_sha256, r->raw_sha256);
	case IMPORTED:
		return level <= IMPORTED;
	default:
		if (level == SIGNED)
			return str_eq(old->proof, r->proof);
		return tlsrpt_signs_for(str_from(old->proof, sizeof(DKIM) - 1),
			tlsrpt_contact_domain(r->contact));
	}
}

/*
 * Does the new report stand for the row that is there, as it came with a better
 * proof? What is counted for good stays, and what is in quarantine is evidence.
 */
static bool replaces(
	const struct store_report *r, const struct store_report *old)
{
	return old->counted == STORE_REPORT_COUNTED &&
	       r->state == STORE_REPORT_ACCEPTED &&
	       proof_level(r->proof) > proof_level(old->proof) &&
	       covers(r, old);
}

static enum status read_failures(
	struct store *s, struct arena *a, struct policy_row *p, struct err *e)
{
	struct failure_row *rows;
	enum status st;
	size_t n;

	st = table_list(s, a, &failure_table,
		"WHERE tenant = $1 AND report = $2 AND policy_no = $3 "
		"ORDER BY failure_no",
		ARGS(DB_T(p->tenant), DB_T(p->report), DB_I(p->policy_no)),
		&rows, &n, e);
	if (st != ST_OK)
		return st;
	p->policy.failures = arena_array(a, n, sizeof(*p->policy.failures));
	if (p->policy.failures == NULL)
		return err_set(e, ST_LIMIT, "the report is too long");
	for (size_t i = 0; i < n; i++)
		p->policy.failures[i] = rows[i].failure;
	p->policy.n_failures = n;
	return ST_OK;
}

static enum status read_policies(
	struct store *s, struct arena *a, struct store_report *r, struct err *e)
{
	struct policy_row *rows;
	enum status st;
	size_t n;

	st = table_list(s, a, &policy_table,
		"WHERE tenant = $1 AND report = $2 ORDER BY policy_no",
		ARGS(DB_T(r->tenant), DB_T(r->id)), &rows, &n, e);
	if (st != ST_OK)
		return st;
	r->policies = arena_array(a, n, sizeof(*r->policies));
	if (r->policies == NULL)
		return err_set(e, ST_LIMIT, "the report is too long");
	for (size_t i = 0; st == ST_OK && i < n; i++) {
		st = read_failures(s, a, &rows[i], e);
		r->policies[i] = rows[i].policy;
	}
	r->n_policies = n;
	return st;
}

/* With its rows, and what they added. */
static enum status drop(struct store *s, struct store_report *r, struct err *e)
{
	struct arena *a = arena_must(0);
	enum status st = ST_OK;

	if (r->counted == STORE_REPORT_COUNTED) {
		st = read_policies(s, a, r, e);
		if (st == ST_OK)
			st = rollup_report(s, r, -1, e);
	}
	/* The schema drops policies and failures with their report. */
	if (st == ST_OK)
		st = store_run(s,
			"DELETE FROM report WHERE tenant = $1 AND id = $2",
			ARGS(DB_T(r->tenant), DB_T(r->id)), NULL, e);
	arena_free(&a);
	return st;
}

/* Is r known already? If not, drops those that it proves better. */
static enum status make_room(struct store *s, const struct store_report *r,
	bool *known, struct err *e)
{
	struct arena *a = arena_must(0);
	struct store_report *rows;
	enum status st;
	size_t n;

	st = table_list(s, a, &report,
		"WHERE tenant = $1 AND domain = $2 AND org = $3 "
		"AND report_id = $4 AND begins = $5 AND ends = $6",
		ARGS(DB_T(r->tenant), DB_T(r->domain), DB_T(r->org),
			DB_T(r->report_id), DB_I(r->begin), DB_I(r->end)),
		&rows, &n, e);
	*known = false;
	for (size_t i = 0; st == ST_OK && i < n; i++)
		*known |= covers(&rows[i], r);
	for (size_t i = 0; st == ST_OK && !*known && i < n; i++)
		if (replaces(r, &rows[i]))
			st = drop(s, &rows[i], e);
	arena_free(&a);
	return st;
}

static enum status add_rows(
	struct store *s, const struct store_report *r, struct err *e)
{
	char reporter[ROLLUP_TEXT_MAX];
	struct store_report row = *r;
	enum status st;

	row.reporter = rollup_reporter(reporter, r);
	row.counted = r->state == STORE_REPORT_ACCEPTED
			      ? STORE_REPORT_COUNTED
			      : STORE_REPORT_UNCOUNTED;
	st = table_insert(s, &report, &row, e);
	for (size_t i = 0; st == ST_OK && i < r->n_policies; i++)
		st = add_policy(s, r, i, e);
	if (st == ST_OK && row.counted == STORE_REPORT_COUNTED)
		st = rollup_report(s, &row, 1, e);
	return st;
}

enum status store_report_add(struct store *s, const struct store_report *r,
	bool *added, struct err *e)
{
	bool own, known = false;
	enum status st;

	st = store_join(s, &own, e);
	if (st != ST_OK)
		return st;
	st = make_room(s, r, &known, e);
	if (st == ST_OK && !known)
		st = add_rows(s, r, e);
	st = store_leave(s, own, st, e);
	if (st == ST_OK && added != NULL)
		*added = !known;
	return st;
}

enum status store_report_get(struct store *s, struct arena *a,
	struct str tenant, struct str id, struct store_report *out,
	struct err *e)
{
	struct store_report r;
	enum status st;

	st = table_get(s, a, &report,
		"WHERE tenant = $1 AND id = $2 AND counted < 2",
		ARGS(DB_T(tenant), DB_T(id)), &r, e);
	if (st == ST_OK)
		st = read_policies(s, a, &r, e);
	if (st == ST_OK)
		*out = r;
	return st;
}

enum status store_report_list(struct store *s, struct arena *a,
	const struct store_report_filter *f, bool with_rows,
	struct store_report **out, size_t *n, struct err *e)
{
	int64_t to = f->to == 0 ? INT64_MAX : f->to;
	struct store_report *rows;
	enum status st;
	size_t have;

	st = table_list(s, a, &report,
		"WHERE tenant = $1 AND ($2 = '' OR domain = $2) "
		"AND begins >= $3 AND begins < $4 AND ($5 = '' OR id < $5) "
		"AND state = $6 AND counted < 2 ORDER BY id DESC LIMIT $7",
		ARGS(DB_T(f->tenant), DB_T(f->domain), DB_I(f->from), DB_I(to),
			DB_T(f->before), DB_I((int64_t)f->state),
			DB_I((int64_t)f->limit)),
		&rows, &have, e);
	for (size_t i = 0; st == ST_OK && with_rows && i < have; i++)
		st = read_policies(s, a, &rows[i], e);
	if (st == ST_OK) {
		*out = rows;
		*n = have;
	}
	return st;
}

static enum status state_of(
	int64_t value, enum store_report_state *out, struct err *e)
{
	if (value < 0 || value >= STORE_REPORT_STATES)
		return err_set(e, ST_PERM, "the database is damaged");
	*out = (enum store_report_state)value;
	return ST_OK;
}

enum status store_report_rule_get(struct store *s, struct str tenant,
	struct store_report_rule *out, struct err *e)
{
	struct store_report_rule rule;
	int64_t v[2];
	enum status st = store_ints(s,
		"SELECT unproven_mail, unproven_post FROM tenant "
		"WHERE id = $1",
		ARGS(DB_T(tenant)), v, 2, e);

	if (st == ST_OK)
		st = state_of(v[0], &rule.mail, e);
	if (st == ST_OK)
		st = state_of(v[1], &rule.post, e);
	if (st == ST_OK)
		*out = rule;
	return st;
}

enum status store_report_rule_put(struct store *s, struct str tenant,
	const struct store_report_rule *rule, struct err *e)
{
	int64_t changed = 0;
	enum status st = store_run(s,
		"UPDATE tenant SET unproven_mail = $1, unproven_post = $2 "
		"WHERE id = $3",
		ARGS(DB_I((int64_t)rule->mail), DB_I((int64_t)rule->post),
			DB_T(tenant)),
		&changed, e);

	if (st == ST_OK && changed == 0)
		st = err_set(e, ST_NOTFOUND, "no such tenant");
	return st;
}

enum status store_report_count(struct store *s, struct str tenant,
	struct store_report_counts *out, struct err *e)
{
	struct store_report_counts n;
	enum status st = ST_OK;
	int64_t v[2];

	for (int i = 0; st == ST_OK && i < STORE_REPORT_STATES; i++) {
		st = store_ints(s,
			"SELECT COUNT(*), COALESCE(SUM(CASE WHEN proof = '' "
			"THEN 1 ELSE 0 END), 0) FROM report "
			"WHERE tenant = $1 AND state = $2 AND counted < 2",
			ARGS(DB_T(tenant), DB_I(i)), v, 2, e);
		n.proven[i] = v[0] - v[1];
		n.unproven[i] = v[1];
	}
	if (st == ST_OK)
		*out = n;
	return st;
}

enum status store_report_drop_raw(
	struct store *s, struct str raw_name, struct err *e)
{
	struct arena *a = arena_must(0);
	struct store_report *rows;
	enum status st;
	size_t n;
	bool own;

	st = store_join(s, &own, e);
	if (st != ST_OK)
		goto out;
	st = table_list(s, a, &report, "WHERE raw_name = $1 AND counted < 2",
		ARGS(DB_T(raw_name)), &rows, &n, e);
	for (size_t i = 0; st == ST_OK && i < n; i++)
		st = drop(s, &rows[i], e);
	st = store_leave(s, own, st, e);
out:
	arena_free(&a);
	return st;
}

enum status store_report_has_raw(
	struct store *s, struct str raw_name, bool *out, struct err *e)
{
	int64_t there;
	enum status st = store_ints(s,
		"SELECT 1 FROM report WHERE raw_name = $1 LIMIT 1",
		ARGS(DB_T(raw_name)), &there, 1, e);

	if (st != ST_OK && st != ST_NOTFOUND)
		return st;
	*out = st == ST_OK;
	return ST_OK;
}

#define BAD(member) offsetof(struct store_bad_report, member)

static const struct column bad_columns[] = {
	COLUMN("name", COL_TEXT, BAD(name)),
	COLUMN("via", COL_TEXT, BAD(via)),
	COLUMN("label", COL_WORDS, BAD(label)),
	COLUMN("remote", COL_WORDS, BAD(remote)),
	COLUMN("received", COL_INT, BAD(received)),
	COLUMN("bytes", COL_INT, BAD(bytes)),
	COLUMN("reason", COL_WORDS, BAD(reason)),
};
static const struct table bad_report = TABLE(
	"bad_report", struct store_bad_report, bad_columns, 1);

enum status store_bad_report_put(
	struct store *s, const struct store_bad_report *b, struct err *e)
{
	return table_upsert(s, &bad_report, b, e);
}

enum status store_bad_report_list(struct store *s, struct arena *a,
	struct str before, size_t limit, struct store_bad_report **out,
	size_t *n, struct err *e)
{
	return table_list(s, a, &bad_report,
		"WHERE ($1 = '' OR name < $1) ORDER BY name DESC LIMIT $2",
		ARGS(DB_T(before), DB_I((int64_t)limit)), out, n, e);
}

enum status store_bad_report_drop(
	struct store *s, struct str name, struct err *e)
{
	return store_run(s, "DELETE FROM bad_report WHERE name = $1",
		ARGS(DB_T(name)), NULL, e);
}

enum status store_bad_report_prune(struct store *s, int64_t before,
	size_t limit, int64_t *n, struct err *e)
{
	return store_run(s,
		"DELETE FROM bad_report WHERE name IN ("
		"SELECT name FROM bad_report WHERE received < $1 "
		"ORDER BY received LIMIT $2)",
		ARGS(DB_I(before), DB_I((int64_t)limit)), n, e);
}
