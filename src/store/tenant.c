/* SPDX-License-Identifier: Apache-2.0 */
/* tenant: whose domains they are, and the installation's single values. */
#include "store/store.h"
#include "store/table.h"

#include "base/poison.h"

#define TENANT_ID_MAX 63

static const struct column columns[] = {
	COLUMN("id", COL_TEXT, offsetof(struct store_tenant, id)),
	COLUMN("name", COL_TEXT, offsetof(struct store_tenant, name)),
	COLUMN("created", COL_INT, offsetof(struct store_tenant, created)),
};
static const struct table tenant = TABLE(
	"tenant", struct store_tenant, columns, 1);

static bool id_ok(struct str id)
{
	if (id.n == 0 || id.n > TENANT_ID_MAX)
		return false;
	for (size_t i = 0; i < id.n; i++)
		if (id.p[i] != '-' && (!chr_is_alnum(id.p[i]) ||
					      chr_lower(id.p[i]) != id.p[i]))
			return false;
	return true;
}

enum status store_tenant_add(
	struct store *s, const struct store_tenant *t, struct err *e)
{
	enum status st;

	if (!id_ok(t->id))
		return err_set(e, ST_INVALID,
			"a tenant's id is a-z, 0-9 and -, at most %d",
			TENANT_ID_MAX);
	st = table_insert(s, &tenant, t, e);
	if (st == ST_INVALID)
		st = err_set(e, st, "the tenant exists already");
	return st;
}

enum status store_tenant_get(struct store *s, struct arena *a, struct str id,
	struct store_tenant *out, struct err *e)
{
	return table_get(
		s, a, &tenant, "WHERE id = $1", ARGS(DB_T(id)), out, e);
}

enum status store_tenant_list(struct store *s, struct arena *a,
	struct store_tenant **out, size_t *n, struct err *e)
{
	return table_list(s, a, &tenant, "WHERE id <> $1 ORDER BY id",
		ARGS(DB_T(STORE_TENANT_SYSTEM)), out, n, e);
}

struct meta {
	struct str key, value;
};

static const struct column meta_columns[] = {
	COLUMN("name", COL_TEXT, offsetof(struct meta, key)),
	COLUMN("value", COL_TEXT, offsetof(struct meta, value)),
};
static const struct table meta = TABLE("meta", struct meta, meta_columns, 1);

enum status store_meta_get(struct store *s, struct arena *a, struct str key,
	struct str *value, struct err *e)
{
	struct meta row;
	enum status st;

	st = table_get(
		s, a, &meta, "WHERE name = $1", ARGS(DB_T(key)), &row, e);
	if (st == ST_OK)
		*value = row.value;
	return st;
}

enum status store_meta_put(
	struct store *s, struct str key, struct str value, struct err *e)
{
	return table_upsert(s, &meta, &(struct meta){ key, value }, e);
}
