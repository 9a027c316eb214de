/* SPDX-License-Identifier: Apache-2.0 */
/* challenge: what strangers may be shown while an order is under way. */
#include "store/store.h"
#include "store/table.h"

#include "base/poison.h"

#define AT(member) offsetof(struct store_challenge, member)
#define SCRATCH_BYTES ((size_t)4 << 20)
#define EXPIRE_AT_ONCE 200

static const struct column columns[] = {
	COLUMN("tenant", COL_TEXT, AT(tenant)),
	COLUMN("host", COL_TEXT, AT(host)),
	COLUMN_ENUM("type", AT(type), STORE_CHALLENGE_DNS01),
	COLUMN("token", COL_TEXT, AT(token)),
	COLUMN("value", COL_TEXT, AT(value)),
	COLUMN("cert_der", COL_BYTES, AT(cert_der)),
	COLUMN("key_sealed", COL_BYTES, AT(key_sealed)),
	COLUMN("expires", COL_INT, AT(expires)),
	COLUMN("order_id", COL_TEXT, AT(order_id)),
};
static const struct table challenge = TABLE(
	"challenge", struct store_challenge, columns, 4);

static enum status changed(struct store *s, const struct store_challenge *c,
	int64_t *seq, struct err *e)
{
	return store_change_add(
		s, STORE_CHANGE_CHALLENGE, c->tenant, c->host, seq, e);
}

enum status store_challenge_put(struct store *s,
	const struct store_challenge *c, int64_t *seq, struct err *e)
{
	enum status st;
	bool own;

	st = store_join(s, &own, e);
	if (st != ST_OK)
		return st;
	st = table_upsert(s, &challenge, c, e);
	if (st == ST_OK)
		st = changed(s, c, seq, e);
	return store_leave(s, own, st, e);
}

/* Deletes the rows the condition finds, each with its change. */
static enum status drop_rows(struct store *s, const char *condition,
	struct db_arg arg, struct err *e)
{
	struct arena *a = arena_must(SCRATCH_BYTES);
	struct store_challenge *rows = NULL;
	enum status st;
	size_t n = 0;

	st = table_list(s, a, &challenge, condition,
		ARGS(arg, DB_I(EXPIRE_AT_ONCE)), &rows, &n, e);
	for (size_t i = 0; st == ST_OK && i < n; i++) {
		st = store_run(s,
			"DELETE FROM challenge WHERE tenant = $1 "
			"AND host = $2 AND type = $3 AND token = $4",
			ARGS(DB_T(rows[i].tenant), DB_T(rows[i].host),
				DB_I(rows[i].type), DB_T(rows[i].token)),
			NULL, e);
		if (st == ST_OK)
			st = changed(s, &rows[i], NULL, e);
	}
	arena_free(&a);
	return st;
}

enum status store_challenge_drop(
	struct store *s, struct str order_id, struct err *e)
{
	enum status st;
	bool own;

	st = store_join(s, &own, e);
	if (st != ST_OK)
		return st;
	st = drop_rows(s, "WHERE order_id = $1 LIMIT $2", DB_T(order_id), e);
	return store_leave(s, own, st, e);
}

enum status store_challenge_expire(struct store *s, int64_t now, struct err *e)
{
	enum status st;
	bool own;

	st = store_join(s, &own, e);
	if (st != ST_OK)
		return st;
	st = drop_rows(s, "WHERE expires <= $1 LIMIT $2", DB_I(now), e);
	return store_leave(s, own, st, e);
}

enum status store_challenge_list(struct store *s, struct arena *a,
	struct str tenant, struct str host, struct store_challenge **out,
	size_t *n, struct err *e)
{
	return table_list(s, a, &challenge,
		"WHERE tenant = $1 AND host = $2 ORDER BY type, token",
		ARGS(DB_T(tenant), DB_T(host)), out, n, e);
}
