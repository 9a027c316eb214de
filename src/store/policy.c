/* SPDX-License-Identifier: Apache-2.0 */
/* policy: every policy a domain ever had, for people and for disputes. */
#include "store/store.h"
#include "store/table.h"

#include "base/poison.h"

#define AT(member) offsetof(struct store_policy, member)

static const struct column columns[] = {
	COLUMN("tenant", COL_TEXT, AT(tenant)),
	COLUMN("domain", COL_TEXT, AT(domain)),
	COLUMN("id", COL_TEXT, AT(id)),
	COLUMN("body", COL_TEXT, AT(body)),
	COLUMN_ENUM("mode", AT(mode), STORE_MODE_ENFORCE),
	COLUMN("max_age", COL_INT, AT(max_age)),
	COLUMN("since", COL_INT, AT(since)),
	COLUMN("actor", COL_TEXT, AT(actor)),
	COLUMN("reason", COL_TEXT, AT(reason)),
};
static const struct table policy = TABLE(
	"policy", struct store_policy, columns, 3);

enum status store_policy_add(
	struct store *s, const struct store_policy *p, struct err *e)
{
	return table_insert(s, &policy, p, e);
}

enum status store_policy_list(struct store *s, struct arena *a,
	struct str tenant, struct str domain, size_t limit,
	struct store_policy **out, size_t *n, struct err *e)
{
	return table_list(s, a, &policy,
		"WHERE tenant = $1 AND domain = $2 "
		"ORDER BY since DESC, id DESC LIMIT $3",
		ARGS(DB_T(tenant), DB_T(domain), DB_I((int64_t)limit)), out, n,
		e);
}
