/* SPDX-License-Identifier: Apache-2.0 */
/* recipient: who is told of a tenant's alerts, when, and how often digests. */
#include "base/bug.h"
#include "store/alert.h"
#include "store/table.h"

#include "base/poison.h"

#define AT(member) offsetof(struct store_recipient, member)

static const struct column columns[] = {
	COLUMN("tenant", COL_TEXT, AT(tenant)),
	COLUMN("channel", COL_TEXT, AT(channel)),
	COLUMN("target", COL_TEXT, AT(target)),
	COLUMN("id", COL_TEXT, AT(id)),
	COLUMN("created", COL_INT, AT(created)),
};
static const struct table recipient = TABLE(
	"recipient", struct store_recipient, columns, 3);

#define TELLING(member) offsetof(struct store_telling, member)

static const struct column telling_columns[] = {
	COLUMN("id", COL_TEXT, TELLING(tenant)),
	COLUMN_ENUM("digest", TELLING(digest), STORE_DIGESTS - 1),
	COLUMN("quiet", COL_TEXT, TELLING(quiet)),
	COLUMN("digest_day", COL_INT, TELLING(digest_day)),
	COLUMN("digest_week", COL_INT, TELLING(digest_week)),
};
static const struct table telling = TABLE(
	"tenant", struct store_telling, telling_columns, 1);

static enum status add_row(
	struct store *s, const struct store_recipient *r, struct err *e)
{
	int64_t n = 0;
	enum status st = store_ints(s,
		"SELECT COUNT(*) FROM recipient WHERE tenant = $1",
		ARGS(DB_T(r->tenant)), &n, 1, e);

	if (st == ST_OK && n >= STORE_RECIPIENTS_MAX)
		return err_set(e, ST_LIMIT, "a tenant has at most %d of them",
			STORE_RECIPIENTS_MAX);
	if (st == ST_OK)
		st = table_insert(s, &recipient, r, e);
	if (st == ST_INVALID)
		st = err_set(
			e, st, "it is one already, or there is no such tenant");
	return st;
}

enum status store_recipient_add(
	struct store *s, const struct store_recipient *r, struct err *e)
{
	bool own;
	enum status st = store_join(s, &own, e);

	if (st != ST_OK)
		return st;
	return store_leave(s, own, add_row(s, r, e), e);
}

enum status store_recipient_drop(struct store *s, struct str tenant,
	struct str channel, struct str target, struct err *e)
{
	int64_t gone = 0;
	enum status st;
	bool own;

	st = store_join(s, &own, e);
	if (st != ST_OK)
		return st;
	st = store_run(s,
		"DELETE FROM recipient WHERE tenant = $1 AND channel = $2 "
		"AND target = $3",
		ARGS(DB_T(tenant), DB_T(channel), DB_T(target)), &gone, e);
	if (st == ST_OK && gone == 0)
		st = err_set(e, ST_NOTFOUND, "there is no such recipient");
	if (st == ST_OK)
		st = store_run(s,
			"DELETE FROM notice WHERE state = 0 AND tenant = $1 "
			"AND channel = $2 AND target = $3",
			ARGS(DB_T(tenant), DB_T(channel), DB_T(target)), NULL,
			e);
	return store_leave(s, own, st, e);
}

enum status store_recipient_get(struct store *s, struct arena *a,
	struct str tenant, struct str channel, struct str target,
	struct store_recipient *out, struct err *e)
{
	return table_get(s, a, &recipient,
		"WHERE tenant = $1 AND channel = $2 AND target = $3",
		ARGS(DB_T(tenant), DB_T(channel), DB_T(target)), out, e);
}

enum status store_recipient_list(struct store *s, struct arena *a,
	struct str tenant, struct store_recipient **out, size_t *n,
	struct err *e)
{
	return table_list(s, a, &recipient,
		"WHERE tenant = $1 ORDER BY channel, target",
		ARGS(DB_T(tenant)), out, n, e);
}

static struct store_recipient *usual(
	struct arena *a, bool mail, bool webhook, size_t *n)
{
	struct store_recipient *out = arena_array(a, 2, sizeof(*out));

	BUG(out == NULL);
	*n = 0;
	if (mail)
		out[(*n)++] =
			(struct store_recipient){ .channel = STR("mail") };
	if (webhook)
		out[(*n)++] =
			(struct store_recipient){ .channel = STR("webhook") };
	return out;
}

enum status store_recipient_told(struct store *s, struct arena *a,
	struct str tenant, bool mail, bool webhook,
	struct store_recipient **out, size_t *n, struct err *e)
{
	enum status st = store_recipient_list(s, a, tenant, out, n, e);

	if (st == ST_OK && *n == 0)
		*out = usual(a, mail, webhook, n);
	return st;
}

static const char *const digests[] = { "usual", "never", "daily", "weekly",
	"both" };

const char *store_digest_name(enum store_digest digest)
{
	BUG(digest >= STORE_DIGESTS);
	return digests[digest];
}

enum status store_digest_parse(struct str s, enum store_digest *out)
{
	for (unsigned i = 0; i < STORE_DIGESTS; i++)
		if (str_eq(s, str_of(digests[i]))) {
			*out = i;
			return ST_OK;
		}
	return ST_INVALID;
}

enum status store_telling_get(struct store *s, struct arena *a,
	struct str tenant, struct store_telling *out, struct err *e)
{
	return table_get(
		s, a, &telling, "WHERE id = $1", ARGS(DB_T(tenant)), out, e);
}

enum status store_telling_put(
	struct store *s, const struct store_telling *t, struct err *e)
{
	return table_update(s, &telling, t, e);
}

enum status store_telling_list(struct store *s, struct arena *a,
	struct store_telling **out, size_t *n, struct err *e)
{
	return table_list(s, a, &telling, "WHERE id <> $1 ORDER BY id",
		ARGS(DB_T(STORE_TENANT_SYSTEM)), out, n, e);
}
