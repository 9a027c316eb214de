/* SPDX-License-Identifier: Apache-2.0 */
/* reverse_name: the names of sending servers, as the DNS had them. */
#include "store/report_view.h"
#include "store/rollup.h"
#include "store/table.h"

#include "base/poison.h"

#define AT(member) offsetof(struct store_reverse_name, member)

static const struct column columns[] = {
	COLUMN("address", COL_TEXT, AT(address)),
	COLUMN("name", COL_TEXT, AT(name)),
	COLUMN_ENUM("state", AT(state), STORE_REVERSE_STATES - 1),
	COLUMN("looked", COL_INT, AT(looked)),
};
static const struct table reverse_name = TABLE(
	"reverse_name", struct store_reverse_name, columns, 1);

struct wanted {
	struct str address;
};

static const struct column wanted_columns[] = {
	COLUMN("DISTINCT s.k2", COL_TEXT, offsetof(struct wanted, address)),
};
static const struct table wanted = TABLE(
	"tenant t JOIN series s ON s.tenant = t.id", struct wanted,
	wanted_columns, 1);

enum status store_reverse_name_put(
	struct store *s, const struct store_reverse_name *r, struct err *e)
{
	return table_upsert(s, &reverse_name, r, e);
}

enum status store_reverse_name_get(struct store *s, struct arena *a,
	struct str address, struct store_reverse_name *out, struct err *e)
{
	return table_get(s, a, &reverse_name, "WHERE address = $1",
		ARGS(DB_T(address)), out, e);
}

enum status store_reverse_name_wanted(struct store *s, struct arena *a,
	int64_t day, int64_t looked, size_t limit, struct store_strs *out,
	struct err *e)
{
	struct wanted *rows;
	struct str *items;
	size_t n;
	enum status st = table_list(s, a, &wanted,
		"WHERE s.domain = '' AND s.kind = $1 AND s.k2 <> '' "
		"AND EXISTS (SELECT 1 FROM rollup r WHERE r.tenant = s.tenant "
		"AND r.series = s.id AND r.day >= $2) "
		"AND NOT EXISTS (SELECT 1 FROM reverse_name v "
		"WHERE v.address = s.k2 AND v.looked >= $3) LIMIT $4",
		ARGS(DB_I(ROLLUP_SOURCE), DB_I(day), DB_I(looked),
			DB_I((int64_t)limit)),
		&rows, &n, e);

	if (st != ST_OK)
		return st;
	items = arena_array(a, n + 1, sizeof(*items));
	if (items == NULL)
		return err_set(e, ST_LIMIT, "too many addresses");
	for (size_t i = 0; i < n; i++)
		items[i] = rows[i].address;
	*out = (struct store_strs){ items, n };
	return ST_OK;
}

enum status store_reverse_name_prune(
	struct store *s, int64_t before, struct err *e)
{
	return store_run(s, "DELETE FROM reverse_name WHERE looked < $1",
		ARGS(DB_I(before)), NULL, e);
}
