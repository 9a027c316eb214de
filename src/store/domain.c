/* SPDX-License-Identifier: Apache-2.0 */
/* domain: the rows everything else hangs on, and the labels ever given. */
#include "store/store.h"
#include "store/table.h"

#include "base/poison.h"

#define AT(member) offsetof(struct store_domain, member)

#define COLUMNS_CNAME(which, word)                                             \
	COLUMN_ENUM(                                                           \
		word "_state", AT(cname[which].state), STORE_CNAME_ELSEWHERE), \
		COLUMN(word "_found", COL_WORDS, AT(cname[which].found))

/* What checks find: written apart, so that a check never undoes a wish. */
#define COLUMNS_CHECKED                                                        \
	COLUMN("mx_proposed", COL_LINES, AT(mx_proposed)),                     \
		COLUMN("mx_proposed_at", COL_INT, AT(mx_proposed_at)),         \
		COLUMN("mx_checked", COL_INT, AT(mx_checked)),                 \
		COLUMN_ENUM("proof", AT(proof), STORE_PROOF_TXT),              \
		COLUMN("proof_since", COL_INT, AT(proof_since)),               \
		COLUMN("proof_checked", COL_INT, AT(proof_checked)),           \
		COLUMN("proof_next", COL_INT, AT(proof_next)),                 \
		COLUMN("proof_tries", COL_INT, AT(proof_tries)),               \
		COLUMN("proof_detail", COL_WORDS, AT(proof_detail)),           \
		COLUMNS_CNAME(STORE_CNAME_HOST, "cname_host"),                 \
		COLUMNS_CNAME(STORE_CNAME_STS, "cname_sts"),                   \
		COLUMNS_CNAME(STORE_CNAME_TLSRPT, "cname_tlsrpt"),             \
		COLUMNS_CNAME(STORE_CNAME_ACME, "cname_acme"),                 \
		COLUMN("attention", COL_WORDS, AT(attention))

static const struct column columns[] = {
	COLUMN("tenant", COL_TEXT, AT(tenant)),
	COLUMN("name", COL_TEXT, AT(name)),
	COLUMN("label", COL_TEXT, AT(label)),
	COLUMN("token", COL_TEXT, AT(token)),
	COLUMN("created", COL_INT, AT(created)),
	COLUMN_ENUM("mode", AT(mode), STORE_MODE_ENFORCE),
	COLUMN("max_age", COL_INT, AT(max_age)),
	COLUMN("mx", COL_LINES, AT(mx)),
	COLUMN("mx_confirmed", COL_INT, AT(mx_confirmed)),
	COLUMN("rua_extra", COL_LINES, AT(rua_extra)),
	COLUMN("rua_mail", COL_BOOL, AT(rua_mail)),
	COLUMN("rua_https", COL_BOOL, AT(rua_https)),
	COLUMN("policy_id", COL_TEXT, AT(policy_id)),
	COLUMN("policy_body", COL_TEXT, AT(policy_body)),
	COLUMN("policy_since", COL_INT, AT(policy_since)),
	COLUMN("policy_seq", COL_INT, AT(policy_seq)),
	COLUMN("dns_id", COL_TEXT, AT(dns_id)),
	COLUMN("not_none_until", COL_INT, AT(not_none_until)),
	COLUMN("retiring", COL_INT, AT(retiring)),
	COLUMN("removed", COL_INT, AT(removed)),
	COLUMN("served_since", COL_INT, AT(served_since)),
	COLUMNS_CHECKED,
};
static const struct table domain = TABLE(
	"domain", struct store_domain, columns, 2);

static const struct column checked_columns[] = {
	COLUMN("tenant", COL_TEXT, AT(tenant)),
	COLUMN("name", COL_TEXT, AT(name)),
	COLUMNS_CHECKED,
};
static const struct table checked = TABLE(
	"domain", struct store_domain, checked_columns, 2);

const char *store_mode_name(enum store_mode m)
{
	static const char *const names[] = { "none", "testing", "enforce" };

	return names[m];
}

enum status store_mode_parse(struct str s, enum store_mode *out)
{
	for (unsigned m = 0; m <= STORE_MODE_ENFORCE; m++)
		if (str_eq(s, str_of(store_mode_name(m)))) {
			*out = m;
			return ST_OK;
		}
	return ST_INVALID;
}

const char *store_proof_name(enum store_proof p)
{
	static const char *const names[] = { "none", "cname", "acme-cname",
		"txt" };

	return names[p];
}

const char *store_cname_state_name(enum store_cname_state c)
{
	static const char *const names[] = { "unknown", "ok", "missing",
		"elsewhere" };

	return names[c];
}

static enum status changed(
	struct store *s, const struct store_domain *d, struct err *e)
{
	return store_change_add(
		s, STORE_CHANGE_DOMAIN, d->tenant, d->name, NULL, e);
}

static enum status add_rows(
	struct store *s, const struct store_domain *d, struct err *e)
{
	enum status st;

	st = store_run(s,
		"DELETE FROM domain WHERE tenant = $1 AND name = $2 "
		"AND removed > 0",
		ARGS(DB_T(d->tenant), DB_T(d->name)), NULL, e);
	if (st != ST_OK)
		return st;
	st = table_insert(s, &domain, d, e);
	if (st == ST_INVALID)
		return err_set(e, st,
			"the domain exists already: moat domain show "
			"says where it stands");
	if (st != ST_OK)
		return st;
	st = store_run(s,
		"INSERT INTO label (label, tenant, domain) "
		"VALUES ($1, $2, $3)",
		ARGS(DB_T(d->label), DB_T(d->tenant), DB_T(d->name)), NULL, e);
	if (st == ST_INVALID)
		return err_set(e, st, "the label was given before");
	return st == ST_OK ? changed(s, d, e) : st;
}

enum status store_domain_add(
	struct store *s, const struct store_domain *d, struct err *e)
{
	enum status st;
	bool own;

	st = store_join(s, &own, e);
	if (st != ST_OK)
		return st;
	return store_leave(s, own, add_rows(s, d, e), e);
}

enum status store_domain_put(
	struct store *s, const struct store_domain *d, struct err *e)
{
	enum status st;
	bool own;

	st = store_join(s, &own, e);
	if (st != ST_OK)
		return st;
	st = table_update(s, &domain, d, e);
	if (st == ST_OK)
		st = changed(s, d, e);
	return store_leave(s, own, st, e);
}

enum status store_domain_put_checked(struct store *s,
	const struct store_domain *d, bool published, struct err *e)
{
	enum status st;
	bool own;

	st = store_join(s, &own, e);
	if (st != ST_OK)
		return st;
	st = table_update(s, &checked, d, e);
	if (st == ST_OK && published)
		st = changed(s, d, e);
	return store_leave(s, own, st, e);
}

enum status store_domain_served(struct store *s, struct str tenant,
	struct str name, int64_t at, struct err *e)
{
	return store_run(s,
		"UPDATE domain SET served_since = $1 WHERE tenant = $2 "
		"AND name = $3 AND served_since = 0",
		ARGS(DB_I(at), DB_T(tenant), DB_T(name)), NULL, e);
}

enum status store_domain_flip(struct store *s, struct str tenant,
	struct str name, struct str id, struct err *e)
{
	int64_t rows = 0;
	enum status st;
	bool own;

	st = store_join(s, &own, e);
	if (st != ST_OK)
		return st;
	st = store_run(s,
		"UPDATE domain SET dns_id = policy_id WHERE tenant = $1 "
		"AND name = $2 AND policy_id = $3 AND removed = 0",
		ARGS(DB_T(tenant), DB_T(name), DB_T(id)), &rows, e);
	if (st == ST_OK && rows > 0)
		st = store_change_add(
			s, STORE_CHANGE_DOMAIN, tenant, name, NULL, e);
	return store_leave(s, own, st, e);
}

struct label {
	struct str label;
};

static const struct column label_columns[] = {
	COLUMN("label", COL_TEXT, offsetof(struct label, label)),
};
static const struct table labels = TABLE(
	"label", struct label, label_columns, 1);

enum status store_domain_labels(struct store *s, struct arena *a,
	struct str tenant, struct str name, struct store_strs *out,
	struct err *e)
{
	struct label *rows;
	enum status st;
	size_t n;

	st = table_list(s, a, &labels, "WHERE tenant = $1 AND domain = $2",
		ARGS(DB_T(tenant), DB_T(name)), &rows, &n, e);
	if (st != ST_OK)
		return st;
	/* A row is one text and nothing else. */
	_Static_assert(sizeof(struct label) == sizeof(struct str), "");
	*out = (struct store_strs){ (struct str *)rows, n };
	return ST_OK;
}

enum status store_domain_get(struct store *s, struct arena *a,
	struct str tenant, struct str name, struct store_domain *out,
	struct err *e)
{
	return table_get(s, a, &domain,
		"WHERE tenant = $1 AND name = $2 AND removed = 0",
		ARGS(DB_T(tenant), DB_T(name)), out, e);
}

enum status store_domain_by_label(struct store *s, struct arena *a,
	struct str label, struct store_domain *out, struct err *e)
{
	return table_get(s, a, &domain,
		"WHERE (tenant, name) = (SELECT tenant, domain FROM label "
		"WHERE label = lower($1))",
		ARGS(DB_T(label)), out, e);
}

enum status store_domain_claims(struct store *s, struct arena *a,
	struct str name, struct store_domain **out, size_t *n, struct err *e)
{
	return table_list(s, a, &domain,
		"WHERE name = $1 AND removed = 0 ORDER BY tenant",
		ARGS(DB_T(name)), out, n, e);
}

enum status store_domain_list(struct store *s, struct arena *a,
	const struct store_domain_filter *f, struct store_domain **out,
	size_t *n, struct err *e)
{
	if (f->tenant.n > 0)
		return table_list(s, a, &domain,
			"WHERE tenant = $1 AND name > $2 AND removed = 0 "
			"ORDER BY name LIMIT $3",
			ARGS(DB_T(f->tenant), DB_T(f->after_name),
				DB_I((int64_t)f->limit)),
			out, n, e);
	return table_list(s, a, &domain,
		"WHERE (tenant, name) > ($1, $2) AND removed = 0 "
		"ORDER BY tenant, name LIMIT $3",
		ARGS(DB_T(f->after_tenant), DB_T(f->after_name),
			DB_I((int64_t)f->limit)),
		out, n, e);
}

enum status store_domain_checks_due(struct store *s, struct arena *a,
	int64_t now, size_t limit, struct store_domain **out, size_t *n,
	struct err *e)
{
	return table_list(s, a, &domain,
		"WHERE removed = 0 AND proof_next <= $1 "
		"ORDER BY ROW_NUMBER() OVER "
		"(PARTITION BY tenant ORDER BY proof_next), proof_next "
		"LIMIT $2",
		ARGS(DB_I(now), DB_I((int64_t)limit)), out, n, e);
}

enum status store_domain_flips_due(struct store *s, struct arena *a,
	int64_t applied, size_t limit, struct store_domain **out, size_t *n,
	struct err *e)
{
	return table_list(s, a, &domain,
		"WHERE removed = 0 AND dns_id <> policy_id "
		"AND policy_seq <= $1 ORDER BY policy_seq LIMIT $2",
		ARGS(DB_I(applied), DB_I((int64_t)limit)), out, n, e);
}

enum status store_domain_retired(struct store *s, struct arena *a, int64_t now,
	size_t limit, struct store_domain **out, size_t *n, struct err *e)
{
	return table_list(s, a, &domain,
		"WHERE removed = 0 AND retiring > 0 AND not_none_until <= $1 "
		"ORDER BY not_none_until LIMIT $2",
		ARGS(DB_I(now), DB_I((int64_t)limit)), out, n, e);
}

enum status store_domain_count(struct store *s, int64_t *out, struct err *e)
{
	return store_ints(s, "SELECT COUNT(*) FROM domain WHERE removed = 0",
		NO_ARGS, out, 1, e);
}
