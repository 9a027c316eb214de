/* SPDX-License-Identifier: Apache-2.0 */
/* audit: who did what, append-only. */
#include "store/store.h"
#include "store/table.h"

#include "base/poison.h"

#define AT(member) offsetof(struct store_audit, member)

static const struct column columns[] = {
	COLUMN("id", COL_TEXT, AT(id)),
	COLUMN("tenant", COL_TEXT, AT(tenant)),
	COLUMN("at", COL_INT, AT(at)),
	COLUMN("actor", COL_TEXT, AT(actor)),
	COLUMN("action", COL_TEXT, AT(action)),
	COLUMN("object", COL_TEXT, AT(object)),
	COLUMN("detail", COL_TEXT, AT(detail)),
};
static const struct table audit = TABLE(
	"audit", struct store_audit, columns, 1);

enum status store_audit_add(
	struct store *s, const struct store_audit *a, struct err *e)
{
	struct arena *scratch = arena_must(0);
	struct store_audit row = *a;
	enum status st;

	if (row.id.n == 0)
		row.id = store_new_id(scratch);
	st = table_insert(s, &audit, &row, e);
	arena_free(&scratch);
	return st;
}

enum status store_audit_list(struct store *s, struct arena *a,
	struct str tenant, struct str object, struct str before, size_t limit,
	struct store_audit **out, size_t *n, struct err *e)
{
	return table_list(s, a, &audit,
		"WHERE ($1 = '' OR tenant = $1) AND ($2 = '' OR object = $2) "
		"AND ($3 = '' OR id < $3) ORDER BY id DESC LIMIT $4",
		ARGS(DB_T(tenant), DB_T(object), DB_T(before),
			DB_I((int64_t)limit)),
		out, n, e);
}
