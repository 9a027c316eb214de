/* SPDX-License-Identifier: Apache-2.0 */
/* acme: accounts, orders and limits of the CAs (RFC 8555). */
#include "store/store.h"
#include "store/table.h"

#include "base/poison.h"

static const struct column account_columns[] = {
	COLUMN("directory", COL_TEXT,
		offsetof(struct store_acme_account, directory)),
	COLUMN("url", COL_TEXT, offsetof(struct store_acme_account, url)),
	COLUMN("key_sealed", COL_BYTES,
		offsetof(struct store_acme_account, key_sealed)),
	COLUMN("contact", COL_TEXT,
		offsetof(struct store_acme_account, contact)),
	COLUMN("tos", COL_TEXT, offsetof(struct store_acme_account, tos)),
	COLUMN("status", COL_TEXT, offsetof(struct store_acme_account, status)),
	COLUMN("created", COL_INT,
		offsetof(struct store_acme_account, created)),
};
static const struct table account = TABLE(
	"acme_account", struct store_acme_account, account_columns, 1);

#define AT(member) offsetof(struct store_acme_order, member)

static const struct column order_columns[] = {
	COLUMN("id", COL_TEXT, AT(id)),
	COLUMN("tenant", COL_TEXT, AT(tenant)),
	COLUMN("host", COL_TEXT, AT(host)),
	COLUMN("directory", COL_TEXT, AT(directory)),
	COLUMN("profile", COL_TEXT, AT(profile)),
	COLUMN("reason", COL_TEXT, AT(reason)),
	COLUMN("replaces", COL_TEXT, AT(replaces)),
	COLUMN_ENUM("state", AT(state), STORE_ORDER_FAILED),
	COLUMN("url", COL_TEXT, AT(url)),
	COLUMN("finalize_url", COL_TEXT, AT(finalize_url)),
	COLUMN("cert_url", COL_TEXT, AT(cert_url)),
	COLUMN("key_sealed", COL_BYTES, AT(key_sealed)),
	COLUMN("challenge", COL_TEXT, AT(challenge)),
	COLUMN("authz_url", COL_TEXT, AT(authz_url)),
	COLUMN("challenge_url", COL_TEXT, AT(challenge_url)),
	COLUMN("token", COL_TEXT, AT(token)),
	COLUMN("challenge_seq", COL_INT, AT(challenge_seq)),
	COLUMN("attempts", COL_INT, AT(attempts)),
	COLUMN("next_at", COL_INT, AT(next_at)),
	COLUMN("created", COL_INT, AT(created)),
	COLUMN("updated", COL_INT, AT(updated)),
	COLUMN("expires", COL_INT, AT(expires)),
	COLUMN("problem_type", COL_WORDS, AT(problem_type)),
	COLUMN("problem_detail", COL_WORDS, AT(problem_detail)),
	COLUMN("problem_at", COL_INT, AT(problem_at)),
	COLUMN("cert_id", COL_TEXT, AT(cert_id)),
};
static const struct table order = TABLE(
	"acme_order", struct store_acme_order, order_columns, 1);

/* STORE_ORDER_DONE and what follows it; the schema's index says the same. */
#define UNFINISHED "state < 7"
#define FINISHED "state >= 7"
_Static_assert(STORE_ORDER_DONE == 7, "UNFINISHED and the schema's index");

static const struct column bucket_columns[] = {
	COLUMN("name", COL_TEXT, offsetof(struct store_acme_bucket, name)),
	COLUMN("level_milli", COL_INT,
		offsetof(struct store_acme_bucket, level_milli)),
	COLUMN("at", COL_INT, offsetof(struct store_acme_bucket, at)),
};
static const struct table bucket = TABLE(
	"acme_bucket", struct store_acme_bucket, bucket_columns, 1);

const char *store_order_state_name(enum store_order_state o)
{
	static const char *const names[] = { "queued", "new", "challenged",
		"validating", "ready", "finalizing", "issued", "done",
		"failed" };

	return names[o];
}

enum status store_acme_account_put(
	struct store *s, const struct store_acme_account *a, struct err *e)
{
	return table_upsert(s, &account, a, e);
}

enum status store_acme_account_get(struct store *s, struct arena *a,
	struct str directory, struct store_acme_account *out, struct err *e)
{
	return table_get(s, a, &account, "WHERE directory = $1",
		ARGS(DB_T(directory)), out, e);
}

enum status store_acme_order_add(
	struct store *s, const struct store_acme_order *o, struct err *e)
{
	enum status st = table_insert(s, &order, o, e);

	if (st == ST_INVALID)
		return err_set(
			e, st, "an order of this host is under way already");
	return st;
}

enum status store_acme_order_put(
	struct store *s, const struct store_acme_order *o, struct err *e)
{
	return table_update(s, &order, o, e);
}

enum status store_acme_order_get(struct store *s, struct arena *a,
	struct str id, struct store_acme_order *out, struct err *e)
{
	return table_get(s, a, &order, "WHERE id = $1", ARGS(DB_T(id)), out, e);
}

enum status store_acme_order_last(struct store *s, struct arena *a,
	struct str tenant, struct str host, struct store_acme_order *out,
	struct err *e)
{
	return table_get(s, a, &order,
		"WHERE tenant = $1 AND host = $2 ORDER BY id DESC LIMIT 1",
		ARGS(DB_T(tenant), DB_T(host)), out, e);
}

enum status store_acme_order_due(struct store *s, struct arena *a, int64_t now,
	size_t limit, struct store_acme_order **out, size_t *n, struct err *e)
{
	return table_list(s, a, &order,
		"WHERE " UNFINISHED " AND next_at <= $1 "
		"ORDER BY next_at, id LIMIT $2",
		ARGS(DB_I(now), DB_I((int64_t)limit)), out, n, e);
}

enum status store_acme_order_count(
	struct store *s, int64_t *unfinished, int64_t *failing, struct err *e)
{
	_Static_assert(STORE_ORDER_FAILED == 8, "the statement below");
	enum status st = store_ints(s,
		"SELECT COUNT(*) FROM acme_order WHERE " UNFINISHED, NO_ARGS,
		unfinished, 1, e);

	if (st != ST_OK)
		return st;
	return store_ints(s,
		"SELECT COUNT(*) FROM acme_order o "
		"WHERE (state = 8 OR (" UNFINISHED " AND attempts > 0)) "
		"AND NOT EXISTS (SELECT 1 FROM acme_order n WHERE n.tenant = "
		"o.tenant AND n.host = o.host AND n.id > o.id)",
		NO_ARGS, failing, 1, e);
}

enum status store_acme_order_list(struct store *s, struct arena *a,
	struct str tenant, struct str host, size_t limit,
	struct store_acme_order **out, size_t *n, struct err *e)
{
	return table_list(s, a, &order,
		"WHERE ($1 = '' OR tenant = $1) AND ($2 = '' OR host = $2) "
		"ORDER BY id DESC LIMIT $3",
		ARGS(DB_T(tenant), DB_T(host), DB_I((int64_t)limit)), out, n,
		e);
}

enum status store_acme_order_prune(struct store *s, int64_t before,
	size_t limit, int64_t *n, struct err *e)
{
	return store_run(s,
		"DELETE FROM acme_order WHERE id IN ("
		"SELECT o.id FROM acme_order o "
		"WHERE o." FINISHED " AND o.updated < $1 AND EXISTS ("
		"SELECT 1 FROM acme_order later WHERE later.tenant = o.tenant "
		"AND later.host = o.host AND later.id > o.id) "
		"ORDER BY o.updated LIMIT $2)",
		ARGS(DB_I(before), DB_I((int64_t)limit)), n, e);
}

enum status store_acme_bucket_get(struct store *s, struct arena *a,
	struct str name, struct store_acme_bucket *out, struct err *e)
{
	return table_get(
		s, a, &bucket, "WHERE name = $1", ARGS(DB_T(name)), out, e);
}

enum status store_acme_bucket_put(
	struct store *s, const struct store_acme_bucket *b, struct err *e)
{
	return table_upsert(s, &bucket, b, e);
}
