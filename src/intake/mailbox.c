/* SPDX-License-Identifier: Apache-2.0 */
/* mailbox: when to pull, and what to tell. */
#include "base/log.h"
#include "base/mem.h"
#include "intake/mailbox.h"

#include "base/poison.h"

struct mailbox {
	struct mailbox_parts parts;
	const struct mailbox_options *o;
	struct mono next;   /* pull */
	bool failing;	    /* and that was logged */
	uint32_t told_left; /* the last mail that was said to be too large */
};

struct mailbox *mailbox_new(
	const struct mailbox_parts *parts, const struct mailbox_options *o)
{
	struct mailbox *m = mem_must(sizeof(*m));

	m->parts = *parts;
	m->o = o;
	m->next = clock_mono(parts->clock);
	return m;
}

void mailbox_free(struct mailbox **m)
{
	mem_free(*m);
	*m = NULL;
}

static int64_t retry_ms(int64_t failures)
{
	int64_t s = MAILBOX_RETRY_MIN_S;

	for (; failures > 1 && s < MAILBOX_RETRY_MAX_S; failures--)
		s *= 2;
	return 1000 * (s < MAILBOX_RETRY_MAX_S ? s : MAILBOX_RETRY_MAX_S);
}

/* Once per incident, and when it is over. */
static void tell(struct mailbox *m, enum status st, const struct err *why)
{
	if (st != ST_OK && !m->failing)
		LOG(LOG_WARN, "mailbox.failed", KV_STR("name", m->o->name),
			KV_Z("reason", why->text));
	else if (st == ST_OK && m->failing)
		LOG(LOG_INFO, "mailbox.recovered", KV_STR("name", m->o->name));
	m->failing = st != ST_OK;
}

static void tell_left(struct mailbox *m, const struct mailbox_pulled *pulled)
{
	if (pulled->left_uid > m->told_left)
		LOG(LOG_WARN, "mailbox.too_large", KV_STR("name", m->o->name),
			KV_INT("mails", (int64_t)pulled->left),
			KV_INT("last_uid", pulled->left_uid));
	m->told_left = pulled->left_uid;
}

static enum status get_row(struct mailbox *m, struct arena *a,
	struct store_mailbox *row, struct err *e)
{
	enum status st = store_mailbox_get(
		m->parts.store, a, m->o->name, row, e);

	if (st != ST_NOTFOUND)
		return st;
	*row = (struct store_mailbox){ .name = m->o->name };
	return ST_OK;
}

static enum status pull(struct mailbox *m, struct arena *a, struct err *e)
{
	struct store_mailbox row = {};
	struct mailbox_pulled pulled = {};
	struct err why = {};
	enum status st = get_row(m, a, &row, e), result;

	if (st != ST_OK)
		return st;
	result = mailbox_pull(&m->parts, m->o, a, &row, &pulled, &why);
	tell(m, result, &why);
	row.tried = clock_now(m->parts.clock).s;
	row.failures = result == ST_OK ? 0 : row.failures + 1;
	row.error = str_of(why.text);
	if (result == ST_OK) {
		tell_left(m, &pulled);
		row.pulled = row.tried;
		row.left = (int64_t)pulled.left;
		row.error = STR("");
	}
	m->next = clock_mono(m->parts.clock);
	if (result != ST_OK)
		m->next.ms += retry_ms(row.failures);
	else if (!pulled.more)
		m->next.ms += m->o->every_ms;
	return store_mailbox_put(m->parts.store, &row, e);
}

/* What was asked for again meanwhile stays asked for. */
static enum status answer(struct mailbox *m, struct arena *a, int64_t asked,
	const struct err *why, struct err *e)
{
	struct store *s = m->parts.store;
	struct store_mailbox_trial t;
	enum status st = store_begin(s, e);

	if (st == ST_OK)
		st = store_mailbox_trial_get(s, a, m->o->name, &t, e);
	if (st == ST_OK) {
		t.done = asked;
		t.error = str_of(why->text);
		st = store_mailbox_trial_put(s, &t, e);
	}
	if (st == ST_OK)
		return store_commit(s, e);
	store_rollback(s);
	return st;
}

static enum status try_it(struct mailbox *m, struct arena *a, struct err *e)
{
	struct store_mailbox_trial t;
	struct err why = {};
	enum status st = store_mailbox_trial_get(
		m->parts.store, a, m->o->name, &t, e);

	if (st != ST_OK)
		return st == ST_NOTFOUND ? ST_OK : st;
	if (t.done >= t.asked)
		return ST_OK;
	if (mailbox_try(m->o, &why) == ST_OK) {
		why.text[0] = '\0';
		if (m->failing) /* somebody has mended it */
			m->next = clock_mono(m->parts.clock);
	}
	return answer(m, a, t.asked, &why, e);
}

enum status mailbox_step(struct mailbox *m, struct err *e)
{
	struct arena *a = arena_must(0);
	enum status st = try_it(m, a, e);

	if (st == ST_OK && clock_mono(m->parts.clock).ms >= m->next.ms)
		st = pull(m, a, e);
	arena_free(&a);
	return st;
}
