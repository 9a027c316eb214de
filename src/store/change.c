/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change: the change feed. Its numbers come from the one row of change_counter,
 * updated in the transaction of the change: the row's lock makes the order of
 * commits the order of numbers on every engine, so that a reader who has seen n
 * can never be surprised by a smaller one.
 */
#include "base/clock.h"
#include "store/store.h"
#include "store/table.h"

#include "base/poison.h"

static const struct column columns[] = {
	COLUMN("seq", COL_INT, offsetof(struct store_change, seq)),
	COLUMN_ENUM("kind", offsetof(struct store_change, kind),
		STORE_CHANGE_REBUILD),
	COLUMN("tenant", COL_TEXT, offsetof(struct store_change, tenant)),
	COLUMN("item", COL_TEXT, offsetof(struct store_change, key)),
	COLUMN("at", COL_INT, offsetof(struct store_change, at)),
};
static const struct table change = TABLE(
	"change", struct store_change, columns, 1);

enum status store_change_add(struct store *s, enum store_change_kind kind,
	struct str tenant, struct str key, int64_t *seq, struct err *e)
{
	struct store_change row = {
		.kind = kind,
		.tenant = tenant,
		.key = key,
		.at = clock_now(clock_system()).s,
	};
	enum status st;
	bool own;

	st = store_join(s, &own, e);
	if (st != ST_OK)
		return st;
	st = store_ints(s,
		"UPDATE change_counter SET seq = seq + 1 WHERE one = 1 "
		"RETURNING seq",
		NO_ARGS, &row.seq, 1, e);
	if (st == ST_OK)
		st = table_insert(s, &change, &row, e);
	st = store_leave(s, own, st, e);
	if (st == ST_OK && seq != NULL)
		*seq = row.seq;
	return st;
}

enum status store_change_list(struct store *s, struct arena *a, int64_t after,
	size_t limit, struct store_change **out, size_t *n, struct err *e)
{
	return table_list(s, a, &change, "WHERE seq > $1 ORDER BY seq LIMIT $2",
		ARGS(DB_I(after), DB_I((int64_t)limit)), out, n, e);
}

enum status store_change_range(
	struct store *s, int64_t *first, int64_t *last, struct err *e)
{
	int64_t got[2];
	enum status st;

	st = store_ints(s,
		"SELECT (SELECT COALESCE(MIN(seq), 0) FROM change), seq "
		"FROM change_counter WHERE one = 1",
		NO_ARGS, got, 2, e);
	if (st != ST_OK)
		return st;
	*first = got[0];
	*last = got[1];
	return ST_OK;
}

enum status store_change_prune(
	struct store *s, int64_t upto, int64_t before, struct err *e)
{
	return store_run(s, "DELETE FROM change WHERE seq <= $1 AND at < $2",
		ARGS(DB_I(upto), DB_I(before)), NULL, e);
}
