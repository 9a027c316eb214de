/* SPDX-License-Identifier: Apache-2.0 */
/* node: how far each node's view has come, and who leads. */
#include "store/store.h"
#include "store/table.h"

#include "base/poison.h"

static const struct column columns[] = {
	COLUMN("name", COL_TEXT, offsetof(struct store_node, name)),
	COLUMN("applied_seq", COL_INT,
		offsetof(struct store_node, applied_seq)),
	COLUMN("seen", COL_INT, offsetof(struct store_node, seen)),
	COLUMN("zone_serial", COL_INT,
		offsetof(struct store_node, zone_serial)),
};
static const struct table node = TABLE("node", struct store_node, columns, 1);

enum status store_node_put(
	struct store *s, const struct store_node *n, struct err *e)
{
	return table_upsert(s, &node, n, e);
}

enum status store_node_list(struct store *s, struct arena *a,
	struct store_node **out, size_t *n, struct err *e)
{
	return table_list(s, a, &node, "ORDER BY name", NO_ARGS, out, n, e);
}

enum status store_node_applied(
	struct store *s, int64_t now, int64_t *seq, struct err *e)
{
	return store_ints(s,
		"SELECT applied_seq FROM node WHERE seen >= $1 "
		"ORDER BY applied_seq LIMIT 1",
		ARGS(DB_I(now - STORE_NODE_DEAD_S)), seq, 1, e);
}

enum status store_lease_take(struct store *s, struct str name,
	struct str holder, int64_t now, int64_t ttl_s, int64_t *until,
	struct err *e)
{
	int64_t got = 0;
	enum status st;

	st = store_ints(s,
		"INSERT INTO lease (name, holder, expires) VALUES ($1, $2, $3) "
		"ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, "
		"expires = excluded.expires WHERE "
		"lease.holder = excluded.holder OR lease.expires <= $4 "
		"RETURNING expires",
		ARGS(DB_T(name), DB_T(holder), DB_I(now + ttl_s), DB_I(now)),
		&got, 1, e);
	if (st != ST_NOTFOUND) {
		if (st == ST_OK && until != NULL)
			*until = got;
		return st;
	}
	st = store_ints(s, "SELECT expires FROM lease WHERE name = $1",
		ARGS(DB_T(name)), &got, 1, e);
	if (st != ST_OK && st != ST_NOTFOUND)
		return st;
	if (until != NULL)
		*until = got;
	return err_set(e, ST_AGAIN, "the lease is another's");
}

enum status store_lease_drop(
	struct store *s, struct str name, struct str holder, struct err *e)
{
	return store_run(s, "DELETE FROM lease WHERE name = $1 AND holder = $2",
		ARGS(DB_T(name), DB_T(holder)), NULL, e);
}
