/* SPDX-License-Identifier: Apache-2.0 */
/* alert: the rows of alerts and of what is said about them. */
#include "store/alert.h"
#include "store/table.h"

#include "base/poison.h"

#define AT(member) offsetof(struct store_alert, member)

static const struct column columns[] = {
	COLUMN("tenant", COL_TEXT, AT(tenant)),
	COLUMN("id", COL_TEXT, AT(id)),
	COLUMN_ENUM("kind", AT(kind), STORE_ALERT_KINDS - 1),
	COLUMN("domain", COL_TEXT, AT(domain)),
	COLUMN("item", COL_WORDS, AT(item)),
	COLUMN_ENUM("state", AT(state), STORE_ALERT_STATES - 1),
	COLUMN("opened", COL_INT, AT(opened)),
	COLUMN("closed", COL_INT, AT(closed)),
	COLUMN("acknowledged", COL_INT, AT(acknowledged)),
	COLUMN("actor", COL_TEXT, AT(actor)),
	COLUMN("what", COL_WORDS, AT(what)),
};
static const struct table alert = TABLE(
	"alert", struct store_alert, columns, 2);

#define NOTICE(member) offsetof(struct store_notice, member)

static const struct column notice_columns[] = {
	COLUMN("id", COL_TEXT, NOTICE(id)),
	COLUMN("tenant", COL_TEXT, NOTICE(tenant)),
	COLUMN("alert", COL_TEXT, NOTICE(alert)),
	COLUMN("channel", COL_TEXT, NOTICE(channel)),
	COLUMN("target", COL_TEXT, NOTICE(target)),
	COLUMN("event", COL_TEXT, NOTICE(event)),
	COLUMN("day", COL_INT, NOTICE(day)),
	COLUMN_ENUM("state", NOTICE(state), STORE_NOTICE_STATES - 1),
	COLUMN("attempts", COL_INT, NOTICE(attempts)),
	COLUMN("next_at", COL_INT, NOTICE(next_at)),
	COLUMN("created", COL_INT, NOTICE(created)),
	COLUMN("done", COL_INT, NOTICE(done)),
	COLUMN("error", COL_WORDS, NOTICE(error)),
};
static const struct table notice = TABLE(
	"notice", struct store_notice, notice_columns, 1);

const char *store_alert_kind_name(enum store_alert_kind kind)
{
	static const char *const names[] = {
		[STORE_ALERT_FAILURE] = "failure",
		[STORE_ALERT_STARTTLS] = "starttls",
		[STORE_ALERT_POLICY_HOST] = "policy-host",
		[STORE_ALERT_SHARE] = "share",
		[STORE_ALERT_SILENT] = "silent",
		[STORE_ALERT_UNREAD] = "unread",
		[STORE_ALERT_UNPROVEN] = "unproven",
	};

	return names[kind];
}

const char *store_alert_state_name(enum store_alert_state state)
{
	static const char *const names[] = {
		[STORE_ALERT_OPEN] = "open",
		[STORE_ALERT_ACKNOWLEDGED] = "acknowledged",
		[STORE_ALERT_CLOSED] = "closed",
	};

	return names[state];
}

const char *store_notice_state_name(enum store_notice_state state)
{
	static const char *const names[] = {
		[STORE_NOTICE_WAITING] = "waiting",
		[STORE_NOTICE_SENT] = "sent",
		[STORE_NOTICE_FAILED] = "failed",
	};

	return names[state];
}

enum status store_alert_add(
	struct store *s, const struct store_alert *al, struct err *e)
{
	return table_insert(s, &alert, al, e);
}

enum status store_alert_put(
	struct store *s, const struct store_alert *al, struct err *e)
{
	return table_update(s, &alert, al, e);
}

enum status store_alert_get(struct store *s, struct arena *a, struct str tenant,
	struct str id, struct store_alert *out, struct err *e)
{
	return table_get(s, a, &alert, "WHERE tenant = $1 AND id = $2",
		ARGS(DB_T(tenant), DB_T(id)), out, e);
}

enum status store_alert_last(struct store *s, struct arena *a,
	const struct store_alert *like, struct store_alert *out, struct err *e)
{
	return table_get(s, a, &alert,
		"WHERE tenant = $1 AND kind = $2 AND domain = $3 "
		"AND item = $4 ORDER BY id DESC LIMIT 1",
		ARGS(DB_T(like->tenant), DB_I((int64_t)like->kind),
			DB_T(like->domain), DB_T(like->item)),
		out, e);
}

enum status store_alert_list(struct store *s, struct arena *a,
	const struct store_alert_filter *f, struct store_alert **out, size_t *n,
	struct err *e)
{
	int64_t below = f->closed ? STORE_ALERT_STATES : STORE_ALERT_CLOSED;

	return table_list(s, a, &alert,
		"WHERE tenant = $1 AND ($2 = '' OR id < $2) AND state < $3 "
		"ORDER BY id DESC LIMIT $4",
		ARGS(DB_T(f->tenant), DB_T(f->before), DB_I(below),
			DB_I((int64_t)f->limit)),
		out, n, e);
}

enum status store_alert_unclosed(struct store *s, struct arena *a,
	struct str tenant, struct str domain, struct store_alert **out,
	size_t *n, struct err *e)
{
	return table_list(s, a, &alert,
		"WHERE tenant = $1 AND domain = $2 AND state < 2 ORDER BY id",
		ARGS(DB_T(tenant), DB_T(domain)), out, n, e);
}

enum status store_alert_prune(struct store *s, int64_t before, struct err *e)
{
	bool own;
	enum status st = store_join(s, &own, e);

	if (st != ST_OK)
		return st;
	st = store_run(s,
		"DELETE FROM notice WHERE (alert = '' AND created < $1) "
		"OR (tenant, alert) IN (SELECT tenant, id FROM alert "
		"WHERE state = 2 AND closed < $1)",
		ARGS(DB_I(before)), NULL, e);
	if (st == ST_OK)
		st = store_run(s,
			"DELETE FROM alert WHERE state = 2 AND closed < $1",
			ARGS(DB_I(before)), NULL, e);
	return store_leave(s, own, st, e);
}

enum status store_notice_add(
	struct store *s, const struct store_notice *n, struct err *e)
{
	return table_insert(s, &notice, n, e);
}

enum status store_notice_put(
	struct store *s, const struct store_notice *n, struct err *e)
{
	return table_update(s, &notice, n, e);
}

enum status store_notice_get(struct store *s, struct arena *a, struct str id,
	struct store_notice *out, struct err *e)
{
	return table_get(
		s, a, &notice, "WHERE id = $1", ARGS(DB_T(id)), out, e);
}

enum status store_notice_due(struct store *s, struct arena *a, int64_t now,
	size_t limit, struct store_notice **out, size_t *n, struct err *e)
{
	return table_list(s, a, &notice,
		"WHERE state = 0 AND next_at <= $1 "
		"ORDER BY event <> 'test', next_at, id LIMIT $2",
		ARGS(DB_I(now), DB_I((int64_t)limit)), out, n, e);
}

enum status store_notice_list(struct store *s, struct arena *a,
	struct str tenant, struct str alert_id, struct store_notice **out,
	size_t *n, struct err *e)
{
	return table_list(s, a, &notice,
		"WHERE tenant = $1 AND alert = $2 ORDER BY id",
		ARGS(DB_T(tenant), DB_T(alert_id)), out, n, e);
}

enum status store_notice_put_off(struct store *s, const struct store_notice *n,
	int64_t until, struct err *e)
{
	return store_run(s,
		"UPDATE notice SET next_at = $1 WHERE state = 0 "
		"AND next_at < $1 AND tenant = $2 AND channel = $3 "
		"AND target = $4 AND event <> 'test'",
		ARGS(DB_I(until), DB_T(n->tenant), DB_T(n->channel),
			DB_T(n->target)),
		NULL, e);
}

enum status store_notice_drop(struct store *s, struct str tenant,
	struct str alert_id, int64_t *n, struct err *e)
{
	return store_run(s,
		"DELETE FROM notice WHERE tenant = $1 AND alert = $2 "
		"AND state = 0",
		ARGS(DB_T(tenant), DB_T(alert_id)), n, e);
}

enum status store_notice_sent(struct store *s, const struct store_notice *like,
	int64_t since, int64_t *n, int64_t *first, struct err *e)
{
	int64_t v[2];
	enum status st = store_ints(s,
		"SELECT COUNT(*), COALESCE(MIN(done), 0) FROM notice "
		"WHERE tenant = $1 AND channel = $2 AND target = $3 "
		"AND state = 1 AND done > $4 AND alert <> ''",
		ARGS(DB_T(like->tenant), DB_T(like->channel),
			DB_T(like->target), DB_I(since)),
		v, 2, e);

	if (st == ST_OK) {
		*n = v[0];
		*first = v[1];
	}
	return st;
}
